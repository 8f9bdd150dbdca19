"""Files and overrides to one frozen `Config`; the only file that knows Hydra.

Hydra picks and merges the files of `conf/`; overrides are put into the plain result here, so that a composed
config and a saved one take them in the same way, and mistakes get this program's own words.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from r1cli.config import groups, overrides, problems, rules
from r1cli.config.overrides import Tree
from r1cli.config.schema import Config
from r1cli.errors import UserError

_NOT_SETTINGS: dict[str, Any] = {"run_id": True, "runs_dir": True, "logger": True, "launcher": True}
_NOT_READ: dict[str, dict[str, Any]] = {
    "base": {"reward": True, "model": {"rl", "embedded", "path", "hub_id"}}
}
"""By stage, settings that it does not read: `rl` may be tuned without making the embedded base anew."""


def load(
    stage: str | None,
    words: Sequence[str],
    *,
    config_file: Path | None = None,
    config_dir: Path | None = None,
) -> Config:
    """Compose, override, validate.

    Args:
        stage: name of a file in `conf/stage`; None takes the one of `conf/config.yaml` or of `config_file`.
        words: overrides, `key=value`.
        config_file: a saved config that takes the place of the groups.
        config_dir: a folder that adds files to the groups, like `./conf`.

    Raises:
        UserError: anything that is wrong with them; nothing heavy has been imported by then.
    """
    folders = groups.folders(config_dir)
    options = groups.options(folders)
    choices, settings = overrides.split(words, options, _value)
    if stage is not None:
        if "stage" in choices:
            raise UserError(f"the stage is named twice: {stage} and stage={choices['stage']}.", None)
        if config_file is None:
            choices["stage"] = overrides.option("stage", stage, options)
    tree = _compose(choices, folders) if config_file is None else _saved(config_file, stage, choices)
    if os.environ.get("R1_RUNS"):
        tree["runs_dir"] = os.environ["R1_RUNS"]
    for key, value in settings.items():
        overrides.put(tree, key, value)
    return _typed(_resolved(tree))


def from_saved(path: Path) -> Config:
    """A `config.yaml` of a run directory exactly as it was saved, for `r1 resume`.

    Raises:
        UserError: it cannot be read, or is no config of this version.
    """
    return _typed(_resolved(_read(path)))


def to_yaml(config: Config) -> str:
    """The whole config as YAML that `from_saved` reads back equal."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=1000)


def digest(config: Config) -> str:
    """SHA-256 in hex of what decides the result; where it runs and where it is logged is left out."""
    unread = _NOT_READ.get(config.stage.kind, {})
    plain = config.model_dump(mode="json", exclude=_NOT_SETTINGS | unread)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _value(text: str, word: str) -> Any:
    """A value in Hydra's grammar (numbers, true, null, [a,b], {a: 1}, quotes); other text is taken as it is.

    The grammar has no place for `=`, `(` or letters beyond ASCII, which paths may hold.
    """
    try:
        override = OverridesParser.create().parse_override(f"key={text}")
    except HydraException as error:
        if text[:1] in tuple("[{'\""):
            raise UserError(
                f"`{text}` cannot be read as a value.",
                "Write lists [a,b], mappings {a: 1}, and quote the word.",
            ) from error
        return text
    if override.is_sweep_override():
        raise overrides.sweep(word)
    return OmegaConf.to_container(OmegaConf.create({"key": override.value()}), resolve=False)["key"]  # type: ignore[index,call-overload]


def _compose(choices: dict[str, str], folders: Sequence[Path]) -> Tree:
    groups.refuse_shadowed(choices, folders)
    main, *others = folders
    quoted = ",".join("'file://" + str(folder).replace("'", "\\'") + "'" for folder in others)
    words = [f"{group}={name}" for group, name in choices.items()]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(main)):
            node = compose("config", [f"hydra.searchpath=[{quoted}]", *words])
        tree = OmegaConf.to_container(node, resolve=False)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise problems.not_composed(error) from error
    assert isinstance(tree, dict)
    return tree  # type: ignore[return-value]


def _saved(path: Path, stage: str | None, choices: dict[str, str]) -> Tree:
    tree = _read(path)
    if choices:
        group, name = next(iter(choices.items()))
        raise UserError(
            f"`{group}={name}`: groups cannot be switched on a saved config.",
            f"Change single settings (`{group}.…=`), or compose anew without --config.",
        )
    kind = tree["stage"]["kind"] if isinstance(tree.get("stage"), dict) and "kind" in tree["stage"] else None
    if stage is not None and kind is not None and stage != kind:
        raise UserError(
            f"{path} is a config of stage `{kind}`, not `{stage}`.", f"Write `r1 train {kind} --config …`."
        )
    tree["run_id"] = None  # it names the run that the file was saved by
    return tree


def _read(path: Path) -> Tree:
    try:
        tree = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except FileNotFoundError as error:
        raise UserError(
            f"there is no config {path}.", "A run directory holds its own as config.yaml."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.", None) from error
    except (OmegaConfBaseException, yaml.YAMLError) as error:
        raise problems.not_yaml(path, error) from error
    if not isinstance(tree, dict) or not tree:
        raise UserError(
            f"{path} is not a config: it has no settings.", "A run directory holds one as config.yaml."
        )
    return tree  # type: ignore[return-value]


def _resolved(tree: Tree) -> Tree:
    """The tree with every `${…}` replaced by its value."""
    problems.refuse_programs(tree)
    try:
        node = OmegaConf.create(tree)
        missing = OmegaConf.missing_keys(node)
        plain = OmegaConf.to_container(node, resolve=True)
    except OmegaConfBaseException as error:
        raise problems.unresolved(error) from error
    if missing:
        raise UserError(f"`{min(missing)}` must be set.", f"Add {min(missing)}=VALUE.")
    assert isinstance(plain, dict)
    return plain  # type: ignore[return-value]


def _typed(tree: Tree) -> Config:
    config = problems.validated(tree)
    rules.check(config)
    return config
