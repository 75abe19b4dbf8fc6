"""Makes the data checks of one run, each as its severity says."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from finetune.checks.drift import drift
from finetune.checks.finding import EXAMPLES, Finding
from finetune.checks.labels import check_labels
from finetune.checks.leakage import leaked, spelling
from finetune.checks.near_duplicates import near_duplicates
from finetune.checks.texts import sampled, texts_of, too_short, with_an_empty_file
from finetune.config.checks import ChecksConfig, LeakageCheckConfig
from finetune.errors import CheckError
from finetune.prepare.prepare import Chosen
from finetune.prepare.split import TEST, TRAIN
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.snapshot import Snapshot
from finetune.storage.uri import Place
from finetune.words import counted

NO_TEXT = "evaluate.baseline_text names no file with text"


class Checks:
    """The checks of one dataset, before it is encoded."""

    def __init__(
        self,
        production: Snapshot,
        manifest: Manifest,
        chosen: Chosen,
        labels: Mapping[str, Any],
        *,
        settings: ChecksConfig,
        by: str | None,
        reconciled: Place,
        text: str | None,
    ) -> None:
        """Takes what is checked.

        Args:
            production: Label rows as they were read.
            manifest: What reconcile kept and dropped.
            chosen: The ids of the dataset, with label and split of each.
            labels: Counts of production's labels and the earlier ones, as `labels_of_run` gives them.
            settings: The config's `checks:`.
            by: The column of prepare.split.by.
            reconciled: The folder of all ids at home.
            text: The file at home that holds a text.
        """
        self._production, self._manifest, self._chosen = production, manifest, chosen
        self._labels, self._settings = labels, settings
        self._by, self._reconciled, self._text = by, reconciled, text

    def findings(self) -> list[Finding]:
        """Makes all checks that are not to be ignored.

        Raises:
            CheckError: checks.leakage.columns names a column that the labels do not have.
            FinetuneError: Texts of an S3 home cannot be fetched.
        """
        checks = {
            "labels": self._check_labels,
            "drift": self._check_drift,
            "texts": self._check_texts,
            "near_duplicates": self._check_near_duplicates,
            "leakage": self._check_leakage,
        }
        settings = self._settings
        return [
            finding
            for name, check in checks.items()
            if (severity := getattr(settings, name).severity) != "ignore"
            for finding in check(severity)
        ]

    def _check_labels(self, severity: Any) -> Iterator[Finding]:
        settings = self._settings.labels
        if not settings.columns:
            return
        broken = check_labels(self._production, settings.columns)
        rules = "; ".join(f"{rule} ({rows:,}, first {first})" for rule, (rows, first) in broken.rules.items())
        yield Finding(
            "labels",
            severity,
            broken.broken / max(1, broken.rows),
            settings.share,
            f"{broken.broken:,} of {counted(broken.rows, 'label row')} against checks.labels.columns"
            f"{': ' if rules else ''}{rules}",
            "correct these rows in production, or what the column may hold in the config",
            broken.ids,
        )

    def _check_drift(self, severity: Any) -> Iterator[Finding]:
        threshold, before, now = self._settings.drift.distance, self._labels["earlier"], self._labels["counts"]
        if before is None or not now or not before["counts"]:
            yield Finding("drift", severity, None, threshold, "no earlier run had other labels")
            return
        found = drift(before["counts"], now)
        told = [f"production's labels against those of run {before['run']}"]
        told += [f"new: {', '.join(found.come[:EXAMPLES])}"] if found.come else []
        told += [f"gone: {', '.join(found.gone[:EXAMPLES])}"] if found.gone else []
        told += [] if found.beyond_chance else ["no more than chance"]
        yield Finding(
            "drift",
            severity,
            found.distance,
            threshold,
            "; ".join(told),
            "look at what changed in production's labels; metrics of the two runs do not compare",
            by_chance=not found.beyond_chance,
        )

    def _check_texts(self, severity: Any) -> Iterator[Finding]:
        settings, advice = self._settings.texts, "mend these files, leave their ids out, or let more pass (share)"
        if self._text is None:
            empty = [guid for guid in with_an_empty_file(self._manifest) if guid in self._chosen.splits]
            total, told = len(self._chosen.guids), f"{counted(len(empty), 'id')} with an empty file"
            yield Finding("texts", severity, len(empty) / total, settings.share, told, advice, empty[:EXAMPLES])
            return
        texts = self._texts
        short = too_short(texts, settings.characters)
        unreadable = sum(text is None for text in texts.values())
        empty_texts = sum(text is not None and not text.split() for text in texts.values())
        told = (
            f"{counted(len(short), 'text')} of {len(texts):,} with fewer than "
            f"{counted(settings.characters, 'character')} ({empty_texts:,} empty, {unreadable:,} unreadable)"
            f"{self._sampled}"
        )
        yield Finding("texts", severity, len(short) / len(texts), settings.share, told, advice, short[:EXAMPLES])
        if unreadable:
            lost = [guid for guid, text in texts.items() if text is None]
            told = f"{counted(unreadable, 'text')} on which evaluate would fail: its baseline reads UTF-8"
            named = "correct these files, leave their ids out, or name another file in evaluate.baseline_text"
            yield Finding("texts unreadable", severity, unreadable / len(texts), 0.0, told, named, lost[:EXAMPLES])

    def _check_near_duplicates(self, severity: Any) -> Iterator[Finding]:
        settings = self._settings.near_duplicates
        if self._text is None:
            yield Finding("near_duplicates", severity, None, settings.share, NO_TEXT)
            return
        train, test = (self._of_split(split) for split in (TRAIN, TEST))
        texts = self._texts
        pairs = list(
            near_duplicates(
                [texts[guid] or "" for guid in train], [texts[guid] or "" for guid in test], settings.similarity
            )
        )
        labels = self._chosen.labels
        other = sum(labels[test[pair.place]] != labels[train[pair.like]] for pair in pairs)
        yield Finding(
            "near_duplicates",
            severity,
            len(pairs) / max(1, len(test)),
            settings.share,
            f"{len(pairs):,} of {counted(len(test), 'test text')} nearly equal a train text, {other:,} of them "
            f"one with another label{self._sampled}",
            "the score is too good by what can be learned by heart; remove them from production, or give what belongs "
            "together one value in a column for prepare.split.by",
            [f"{test[pair.place]} (as {train[pair.like]})" for pair in pairs[:EXAMPLES]],
        )

    def _check_leakage(self, severity: Any) -> Iterator[Finding]:
        settings, guids = self._settings.leakage, self._chosen.guids
        yield self._leak("leakage", severity, [spelling(guid) for guid in guids], "id, spelt otherwise,")
        columns = list(dict.fromkeys([*([self._by] if self._by else []), *settings.columns]))
        self._refuse_unknown(settings, columns)
        if columns:
            rows = {row["guid"]: row for row in self._manifest.kept_ids(columns) if row["guid"] in self._chosen.splits}
        for column in columns:
            values = [rows[guid][column] for guid in guids]
            groups = [None if value is None or value == "" else str(value) for value in values]
            yield self._leak(f"leakage of {column}", severity, groups, column)
            if column == self._by and None in groups:
                yield self._without(severity, groups, column)

    def _leak(self, name: str, severity: Any, groups: Sequence[str | None], what: str) -> Finding:
        guids, splits = self._chosen.guids, [self._chosen.splits[guid] for guid in self._chosen.guids]
        found = leaked(guids, splits, groups)
        held_out = sum(split != TRAIN for split in splits)
        return Finding(
            name,
            severity,
            len(found) / max(1, held_out),
            self._settings.leakage.share,
            f"{len(found):,} of {counted(held_out, 'validation and test id')} whose {what} is in train, too",
            "keep together what belongs together with prepare.split.by",
            found[:EXAMPLES],
        )

    def _without(self, severity: Any, groups: Sequence[str | None], column: str) -> Finding:
        """Ids that the split takes one by one, because their column is empty."""
        lacking = [guid for guid, group in zip(self._chosen.guids, groups, strict=True) if group is None]
        return Finding(
            f"leakage without {column}",
            severity,
            len(lacking) / len(groups),
            self._settings.leakage.share,
            f"{len(lacking):,} of {counted(len(groups), 'id')} without {column}: prepare.split.by takes each by itself",
            f"fill in {column} in production's labels, with the id where it belongs to nothing",
            lacking[:EXAMPLES],
        )

    def _refuse_unknown(self, settings: LeakageCheckConfig, columns: Sequence[str]) -> None:
        known = self._manifest.further_columns
        unknown = [column for column in columns if column not in known]
        if unknown:
            raise CheckError(
                f"checks.leakage.columns: must be further columns of the labels ({', '.join(known) or 'none'}), but "
                f"got {', '.join(unknown)}; add the column to the query, or leave it out of the config"
            )

    @cached_property
    def _texts(self) -> dict[str, str | None]:
        return texts_of(self._reconciled, sampled(self._chosen.guids, self._settings.sample), self._text or "")

    @property
    def _sampled(self) -> str:
        total, read = len(self._chosen.guids), len(self._texts)
        return "" if read == total else f"; in a sample of {read:,} of {total:,} ids, so there are more"

    def _of_split(self, split: str) -> list[str]:
        return [guid for guid in self._texts if self._chosen.splits[guid] == split]
