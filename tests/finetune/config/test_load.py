import json
from collections.abc import Callable

import pytest

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config, resolved
from finetune.errors import ConfigError

Write = Callable[..., str]
PASSWORD = "hunter2"


def problems(path: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    return str(caught.value).split("\n")


def test_a_minimal_config_gets_its_defaults(write: Write) -> None:
    config = load_config(write())
    assert (config.root, config.train.epochs, config.prepare.split.test) == ("outputs", 3, 0.2)


def test_every_problem_is_named_with_file_line_key_rule_and_value(write: Write) -> None:
    path = write("train:\n  epoch: 3\n  batch_size: many\n  warmup: 1.5\n")
    assert problems(path) == [
        "x.yaml:8: train.epoch: unknown key; did you mean epochs?",
        "x.yaml:9: train.batch_size: must be a valid integer, but got 'many'",
        "x.yaml:10: train.warmup: must be less than 1, but got 1.5",
    ]


def test_an_unknown_key_without_a_neighbour_lists_the_known_keys(write: Write) -> None:
    assert problems(write("reconcile: {zzz: 1}\n")) == [
        "x.yaml:7: reconcile.zzz: unknown key; known keys are files_at_home, overwrite, workers"
    ]


def test_a_key_of_another_section_is_told_its_place(write: Write) -> None:
    assert problems(write("labels: {file: a.csv}\ntrain: {checkpoint: a}\nevaluate: {seed: 1, batch_sizes: 2}\n")) == [
        "x.yaml:7: labels: unknown key; its place is production.labels or checks.labels",
        "x.yaml:8: train.checkpoint: unknown key; its place is model.checkpoint",
        "x.yaml:9: evaluate.seed: unknown key; its place is prepare.split.seed or tune.seed or train.seed",
        "x.yaml:9: evaluate.batch_sizes: unknown key; did you mean batch_size?",
    ]
    assert problems(write(), "production.file=a.csv") == [
        "--set production.file: production.file: unknown key; did you mean files or production.labels.file?"
    ]


@pytest.mark.parametrize(
    ("key", "meant"), [("max_lenght", "max_length"), ("chekpoint", "checkpoint"), ("sha265", "sha256")]
)
def test_a_key_of_model_that_looks_like_a_typo_is_refused(write: Write, key: str, meant: str) -> None:
    assert problems(write(f"model: {{max_length: 8, {key}: 1}}\n")) == [
        f"x.yaml:7: model: {key} looks like {meant}; write that, or choose a name less like it"
    ]


def test_model_takes_any_other_key(write: Write) -> None:
    keys = {"min_length": 1, "max_len": 2, "max_length": 3, "length": 4}
    assert load_config(write(f"model: {json.dumps(keys)}\n")).model.model_extra == keys


def test_a_missing_key_gets_the_line_of_its_mapping_or_the_file(write: Write) -> None:
    path = write("functions: small\nproduction:\n  files: raw\n  labels: {file: a.csv}\n", start="")
    assert problems(path) == [
        "x.yaml: experiment: required key is missing",
        "x.yaml:2: production.files_from_production: required key is missing",
    ]


def test_a_rule_that_joins_keys_names_their_section(write: Write) -> None:
    assert problems(write("prepare:\n  split: {test: 0.6, validation: 0.5}\n")) == [
        "x.yaml:8: prepare.split: validation + test must be below 1, but got 0.5 + 0.6"
    ]


@pytest.mark.parametrize("section", ["train: 5", "train:", "train: [1]"])
def test_a_section_must_be_a_mapping(write: Write, section: str) -> None:
    (problem,) = problems(write(section + "\n"))
    assert problem.startswith("x.yaml:7: train: must be a mapping, but got ")


def test_a_label_that_yaml_takes_for_a_boolean_must_be_quoted(write: Write) -> None:
    (problem,) = problems(write("prepare:\n  ignored_labels:\n  - notice\n  - no\n"))
    assert problem == (
        'x.yaml:10: prepare.ignored_labels.1: must be a valid string, but YAML reads no as false; quote it: "no"'
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{num_processes: 8}", "num_processes is train.processes here; write that"),
        ("{mixed_precision: bf16}", "mixed_precision is train.precision here; write that"),
        ("{fsdp: {}}", "fsdp is not one of compute_environment, distributed_type, fsdp_config, deepspeed_config, "),
        ("{fsdp_config: 2}", "fsdp_config must be a mapping, but got 2"),
        ("{distributed_type: TPU}", "distributed_type must be one of NO, MULTI_CPU, MULTI_GPU, FSDP, DEEPSPEED"),
    ],
)
def test_settings_of_accelerate_that_cannot_be_meant_are_refused(write: Write, given: str, says: str) -> None:
    (problem,) = problems(write(f"train: {{accelerate: {given}}}\n"))
    assert problem.startswith(f"x.yaml:7: train.accelerate: {says}")


def test_a_boolean_is_no_number(write: Write) -> None:
    assert problems(write("train: {epochs: yes}\n")) == ["x.yaml:7: train.epochs: must be a valid number, but got true"]


def test_exponents_are_numbers_and_dates_are_text(write: Write) -> None:
    config = load_config(write("train: {learning_rate: 3e-5}\nmodel: {rate: 1e-3, day: 2024-01-31}\n"))
    assert config.train.learning_rate == 3e-5
    assert config.model.model_extra == {"rate": 1e-3, "day": "2024-01-31"}


def test_a_broken_pattern_is_explained_and_an_empty_list_counted(write: Write) -> None:
    assert problems(write(), "experiment=exp", "production.files_from_production=[]") == [
        "--set experiment=exp: experiment: must match pattern "
        "'^[A-Z][A-Z0-9]*-[0-9]+-[a-z0-9]+(-[a-z0-9]+)*$', "
        "but got 'exp' (A ticket and a name, EXP-3333-license-mentions; prefixes every path and run.)",
        "--set production.files_from_production=[]: production.files_from_production: "
        "must have at least 1 item, but got 0",
    ]


def test_infinity_is_refused(write: Write) -> None:
    (problem,) = problems(write("train: {epochs: .inf}\n"))
    assert "train.epochs: must be a finite number" in problem


def test_references_give_text_numbers_and_lists(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ROOT": "2024", "SIZE": "4", "LABELS": "[a, b]", "DAY": "mon"}.items():
        monkeypatch.setenv(name, value)
    config = load_config(
        write(
            "root: ${env:ROOT}\ntrain: {batch_size: '${env:SIZE}'}\n"
            "prepare: {ignored_labels: '${env:LABELS}'}\n"
            "model: {name: 'x-${env:DAY}', size: '${env:SIZE}'}\n"
        )
    )
    assert (config.root, config.train.batch_size, config.prepare.ignored_labels) == ("2024", 4, ["a", "b"])
    assert config.model.model_extra == {"name": "x-mon", "size": 4}


def test_an_unset_variable_is_named_once_beside_all_other_problems(write: Write) -> None:
    path = write("train:\n  batch_size: ${env:NOT_SET_HERE}\n  seed: x\nroot: '${env:}'\n")
    assert problems(path) == [
        "x.yaml:8: train.batch_size: ${env:NOT_SET_HERE}: the variable NOT_SET_HERE is not set",
        "x.yaml:9: train.seed: must be a valid integer, but got 'x'",
        "x.yaml:10: root: a reference must be ${env:NAME}, where NAME has letters, digits and _ only",
    ]


def test_the_value_of_a_variable_is_not_shown(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIZE", "FILE"):
        monkeypatch.setenv(name, PASSWORD)
    monkeypatch.setenv("BROKEN", f"[{PASSWORD}")
    path = write("train: {batch_size: '${env:SIZE}', seed: '${env:BROKEN}'}\n", start="extends: b.yaml\n")
    write(name="b.yaml")
    text = problems(path, "production.labels.file=${env:FILE}")
    assert PASSWORD not in "".join(text)
    assert "x.yaml:2: train.batch_size: must be a valid integer, but got the value of ${env:SIZE}" in text
    assert "x.yaml:2: train.seed: the value of ${env:BROKEN} must be YAML; correct the variable" in text
    assert any("file must end in .csv or .parquet, but got '${env:FILE}'" in line for line in text)


def secret_config(write: Write, url: str, more: str = "") -> str:
    labels = f"  labels: {{url: '{url}', query: SELECT 1{more}}}"
    return write(
        f"experiment: EXP-1-a\nfunctions: a\nproduction:\n  files: raw\n  files_from_production: [a]\n{labels}\n",
        start="",
    )


def test_secrets_stay_references_but_must_be_set(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret_config(write, "postgresql://me:${env:PW}@host/db", ", params: {key: '${env:KEY}'}")
    monkeypatch.setenv("PW", PASSWORD)
    assert problems(path) == ["x.yaml:6: production.labels.params.key: ${env:KEY}: the variable KEY is not set"]
    monkeypatch.setenv("KEY", PASSWORD)
    text = json.dumps(resolved(load_config(path)))
    assert PASSWORD not in text and "me:${env:PW}@host" in text and '"${env:KEY}"' in text


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@host/db",
        f"postgresql://me:{PASSWORD}@${{env:HOME}}:${{env:PORT}}/db",
        f"postgresql://me:{PASSWORD}${{env:HOME}}@host/db",
        f"postgresql://host/db?password={PASSWORD}",
    ],
)
def test_a_password_in_clear_is_refused_and_not_shown(write: Write, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PORT", "5432")
    (problem,) = problems(secret_config(write, url))
    assert "production.labels: url holds a password in clear" in problem and PASSWORD not in problem


def test_references_to_secret_stores_stay_references_and_are_read_by_nobody(write: Write) -> None:
    url, params = (
        "postgresql://me:${aws:prod/labels.password}@db/x",
        "{a: '${zenml:labels.team}', b: '${aws:one-text}'}",
    )
    labels = load_config(secret_config(write, url, f", params: {params}")).production.labels
    assert (labels.url, labels.params) == (url, {"a": "${zenml:labels.team}", "b": "${aws:one-text}"})


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("${aws:}", "${aws:SECRET.KEY}, or ${aws:SECRET} for a secret that is one text"),
        ("${aws:two words}", "${aws:SECRET.KEY}, or ${aws:SECRET} for a secret that is one text"),
        ("${zenml:labels}", "${zenml:SECRET.KEY}"),
        ("${zenml:.key}", "${zenml:SECRET.KEY}"),
        ("${vault:labels.key}", "${env:NAME}, ${zenml:SECRET.KEY} or ${aws:SECRET.KEY}"),
        ("${aws:open", "${aws:SECRET.KEY}, or ${aws:SECRET} for a secret that is one text"),
    ],
)
def test_a_reference_of_a_wrong_form_is_refused_with_line_and_key(write: Write, text: str, form: str) -> None:
    path = secret_config(write, "sqlite:///a.db", f", params: {{team: '{PASSWORD}{text}'}}")
    assert problems(path) == [f"x.yaml:6: production.labels.params.team: a reference must be {form}"]


@pytest.mark.parametrize("text", ["${aws:prod/labels.password}", "${zenml:labels.password}"])
def test_a_secret_in_a_key_that_is_stored_in_clear_is_refused_with_line_and_key(write: Write, text: str) -> None:
    assert problems(write(f"compute: {{train: {{instance_type: ml.m5.large, environment: {{A: '{text}'}}}}}}\n")) == [
        f"x.yaml:7: compute.train.environment.A: {text}: what stands in a secret store may be used only in a key that "
        f"docs/config.md marks as secret; here it would be stored in clear"
    ]


@pytest.mark.parametrize(
    "url", ["${env:HOME}", "${aws:prod/labels.url}", "postgresql://${env:HOME}:${env:HOME}@h:${env:HOME}/${env:HOME}"]
)
def test_a_url_may_consist_of_references(write: Write, url: str) -> None:
    assert load_config(secret_config(write, url)).production.labels.url == url


@pytest.mark.parametrize(
    "override",
    [
        f"production.labels.url=[{PASSWORD}]",
        f"production.labels.url=[{PASSWORD}",
        f"production.labels.url=postgresql://me:{PASSWORD}@h/db",
        f"production.labels.url: postgresql://me:{PASSWORD}@h/db",
        f"production.labels.uri=postgresql://me:{PASSWORD}@h/db",
        f"production.labels.params={{a: [{PASSWORD}]}}",
        f"production.labels={PASSWORD}",
        f"production.labels={{url: [{PASSWORD}]}}",
        f"production={PASSWORD}",
        f"labels.url=postgresql://me:{PASSWORD}@h/db",
        f"train.seed=postgresql://me:{PASSWORD}@h/db",
    ],
)
def test_an_override_never_shows_a_secret(write: Write, override: str) -> None:
    text = "\n".join(problems(secret_config(write, "sqlite:///a.db"), override))
    assert text.startswith("--set ") or "production.labels: url holds" in text
    assert PASSWORD not in text


def test_a_number_for_a_secret_must_be_quoted_and_is_not_shown(write: Write) -> None:
    (problem,) = problems(secret_config(write, "sqlite:///a.db", ", params: {since: 2020}"))
    assert problem == (
        "x.yaml:6: production.labels.params.since: must be a valid string, but got a value that is not shown; quote it"
    )


def test_the_resolved_config_is_json_and_loads_again(write: Write) -> None:
    config = load_config(write("model: {layers: [1, 2], deep: {on: null}}\ntrain: {epochs: 2}\n"))
    plain = json.loads(json.dumps(resolved(config)))
    assert plain == resolved(config)
    assert ExperimentConfig.model_validate(plain) == config
