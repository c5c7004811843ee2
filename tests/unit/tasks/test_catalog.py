"""The catalog: what it takes, and that each refusal names the line and the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.catalog import Catalog, catalog_path, parse, read
from tasks.errors import CatalogError, UnknownModel
from tasks.settings import settings

GOOD = """\
# two models
[models.espeak]
adapter = "espeak"
voice = "vi"
load_limit_s = 30

[models.viettts]
adapter = "viettts"
path = "weights/viet-tts"
memory_gb = 7.5
samples = "voices"
"""


def parsed(text: str) -> Catalog:
    return parse(text, "models.toml", Path("/models"))


def refusal(text: str) -> str:
    with pytest.raises(CatalogError) as caught:
        parsed(text)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_a_model_has_its_own_keys_and_the_rest_are_its_adapters_options() -> None:
    entry = parsed(GOOD)["viettts"]
    assert (entry.name, entry.adapter, entry.memory_gb) == ("viettts", "viettts", 7.5)
    assert entry.options == {"samples": "voices"}
    assert entry.place == "models.toml line 7: [models.viettts]"


def test_what_a_table_leaves_out_has_a_default() -> None:
    entry = parsed(GOOD)["espeak"]
    assert (entry.batch_size, entry.time_limit_s, entry.stall_s, entry.load_limit_s) == (1, 300.0, 120.0, 30.0)
    assert entry.path is None


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("weights/a", "/models/weights/a"),
        ("/srv/a", "/srv/a"),
        ("faces/{id}", "/models/faces/{id}"),
        ("s3://bucket/a", "s3://bucket/a"),
        ("~/a", str(Path.home() / "a")),
    ],
)
def test_a_relative_path_is_taken_from_the_catalogs_folder(written: str, read_as: str) -> None:
    assert parsed(f'[models.a]\nadapter = "espeak"\npath = "{written}"')["a"].path == read_as


def test_the_order_of_the_file_is_kept() -> None:
    assert list(parsed(GOOD)) == ["espeak", "viettts"]


def test_an_unknown_model_names_the_nearest_or_all() -> None:
    with pytest.raises(UnknownModel, match=r"^model: no model 'viet-tts' in models\.toml; did you mean 'viettts'\?"):
        parsed(GOOD)["viet-tts"]
    with pytest.raises(UnknownModel, match="there are: espeak, viettts"):
        parsed(GOOD)["bart"]
    assert "bart" not in parsed(GOOD)


def test_of_a_model_that_can_be_fetched_by_its_name_it_is_said_how() -> None:
    with pytest.raises(UnknownModel, match=r"no model 'kokoro' in models\.toml; slotline model pull kokoro fetches it"):
        parsed(GOOD)["kokoro"]
    assert parsed(GOOD)["viettts"].adapter == "viettts"


def test_broken_toml_names_its_line() -> None:
    assert "line 3" in refusal('[models.a]\nadapter = "espeak"\nvoice == "vi"\n')
    assert "models.toml" in refusal("[models.a\n")


@pytest.mark.parametrize("text", ["", "# nothing\n", "[models]\n"])
def test_a_catalog_without_a_model_says_what_one_looks_like(text: str) -> None:
    assert refusal(text) == "models.toml: has no model; each model is a table [models.NAME] with at least an adapter"


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('[models.a]\nadapter = "espeak"\n[model.b]\nadapter = "espeak"\n', 3, "model"),
        ('\n\n[espeak]\nadapter = "espeak"\n', 3, "espeak"),
        ('voice = "vi"\n[models.a]\nadapter = "espeak"\n', 1, "voice"),
    ],
)
def test_a_stray_top_level_key_is_refused_with_its_line(text: str, line: int, key: str) -> None:
    assert refusal(text).startswith(f"models.toml line {line}: {key!r} is not part of a model; each model is a table")


@pytest.mark.parametrize("name", ["flow", "celery"])
def test_a_reserved_name_is_refused(name: str) -> None:
    said = refusal(f'\n[models.{name}]\nadapter = "espeak"\n')
    assert said == f"models.toml line 2: [models.{name}] the name '{name}' is reserved for a queue of slotline; " + (
        "use another name"
    )


@pytest.mark.parametrize("name", ["Espeak", "a b", "-a", "a/b", "a" * 65, "", "a\u00e0"])
def test_a_name_that_is_no_queue_is_refused(name: str) -> None:
    assert refusal(f'\n\n[models."{name}"]\nadapter = "espeak"\n').startswith(
        f"models.toml line 3: [models.{name}] a name has only a-z"
    )


def test_a_name_with_a_dot_is_good_in_quotes() -> None:
    entry = parsed('\n[models."kokoro-0.9"]\nadapter = "kokoro"\n')["kokoro-0.9"]
    assert entry.place == "models.toml line 2: [models.kokoro-0.9]"


def test_a_model_that_is_no_table_is_refused() -> None:
    said = refusal('[models]\nespeak = "espeak"\n')
    assert said == "models.toml line 2: [models.espeak] is not a table; write [models.NAME] and its keys below"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("batch_size", '"4"', "valid integer"),
        ("batch_size", "0", "greater than or equal to 1"),
        ("batch_size", "true", "valid integer"),
        ("memory_gb", '"7.5"', "valid number"),
        ("memory_gb", "0", "greater than 0"),
        ("time_limit_s", "inf", "finite number"),
        ("stall_s", "-1", "greater than 0"),
        ("load_limit_s", "nan", "finite number"),
        ("adapter", "5", "valid string"),
        ("path", "[]", "valid string"),
        ("voice", "1", "valid string"),
        ("eviction_policy", '"fifo"', "lru"),
    ],
)
def test_a_wrong_value_names_its_line_its_field_and_itself(field: str, value: str, said: str) -> None:
    others = "" if field == "adapter" else 'adapter = "espeak"\n'
    text = f'[models.first]\nadapter = "espeak"\n{field}_ = 1\n\n[models.second]\n{others}# why\n{field} = {value}\n'
    line = text.splitlines().index(f"{field} = {value}") + 1
    refused = refusal(text)
    assert refused.startswith(f"models.toml line {line}: [models.second] {field}: ")
    assert said in refused
    assert "(got " in refused


def test_a_missing_adapter_names_the_table_and_not_another_tables_line() -> None:
    said = refusal('[models.a]\nvoice = "vi"\n[models.b]\nadapter = "espeak"\n')
    assert said == "models.toml line 1: [models.a] adapter: is missing; name the adapter that runs the model"


def test_a_table_written_inline_is_found_too() -> None:
    assert refusal('[models]\n\nespeak = { adapter = "espeak", batch_size = 0 }\n').startswith(
        "models.toml line 3: [models.espeak] batch_size: "
    )


def test_a_commented_table_is_not_taken_for_the_table() -> None:
    assert refusal('# [models.a]\n[models.a]\nadapter = "espeak"\nbatch_size = 0\n').startswith("models.toml line 4:")


@pytest.mark.parametrize("key", ["name", "options", "place"])
def test_words_of_slotlines_own_are_options_like_any_other(key: str) -> None:
    entry = parsed(f'[models.a]\nadapter = "espeak"\n{key} = "x"\n')["a"]
    assert entry.name == "a"
    assert entry.options == {key: "x"}


def test_a_file_is_read_and_its_paths_are_taken_from_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f"\ufeff{GOOD}", encoding="utf-8")  # as some editors begin a file
    assert read(file)["viettts"].path == str(tmp_path / "weights" / "viet-tts")


def test_a_missing_file_is_one_line_that_names_it_and_the_setting(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as caught:
        read(tmp_path / "none.toml")
    assert str(caught.value) == (
        f"{tmp_path / 'none.toml'}: the catalog of models cannot be read: No such file or directory; "
        "set SLOTLINE_MODELS to its path"
    )


def test_a_folder_and_a_file_that_is_not_utf8_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read: Is a directory"):
        read(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(CatalogError, match=r"not UTF-8 \(byte 5\)"):
        read(tmp_path / "latin.toml")


@pytest.fixture
def _settings_read_anew() -> object:
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("_settings_read_anew")
def test_the_catalog_is_the_settings_else_this_folders_else_slotlines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLOTLINE_MODELS", raising=False)
    monkeypatch.chdir(tmp_path)
    own = catalog_path()
    assert "espeak" in read(own)
    assert "rehearsal" in read(own)
    (tmp_path / "models.toml").write_text(GOOD)
    assert catalog_path().resolve() == tmp_path / "models.toml"
    monkeypatch.setenv("SLOTLINE_MODELS", "/srv/other.toml")
    settings.cache_clear()
    assert catalog_path() == Path("/srv/other.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_models", 3), ("max_memory_gb", 2.0), ("eviction_policy", '"lfu"'), ("preload", '["anna"]')],
)
def test_a_key_of_many_models_needs_an_id_in_the_path(key: str, value: object) -> None:
    text = f'[models.faces]\nadapter = "rehearsal"\npath = "faces"\n{key} = {value}\n'
    with pytest.raises(CatalogError, match=rf"here line 4: \[models.faces\] {key}: is only for many small models"):
        parse(text, "here", Path("/models"))
    many = parse(text.replace('"faces"', '"faces/{id}"'), "here", Path("/models"))["faces"]
    assert many.is_registry
    assert many.path == "/models/faces/{id}"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('max_models = 1\npreload = ["anna", "bert"]', "names 2 models, more than max_models = 1"),
        (f"preload = {[str(number) for number in range(17)]}", "names 17 models, more than max_models = 16"),
        ('preload = ["anna", "bert", "anna"]', "names 'anna' twice"),
        ('preload = "anna"', "Input should be a valid list"),
    ],
)
def test_what_is_loaded_first_has_room_and_is_named_once(more: str, fault: str) -> None:
    text = f'[models.faces]\nadapter = "rehearsal"\npath = "faces/{{id}}"\n{more}\n'
    with pytest.raises(
        CatalogError, match=rf"here line {3 + len(more.splitlines())}: \[models.faces\] preload: {fault}"
    ):
        parse(text, "here", Path("/models"))
    good = parse(text.replace(more, 'preload = ["anna", "bert"]'), "here", Path("/models"))["faces"]
    assert good.preload == ["anna", "bert"]


def test_a_path_holds_one_id_at_most() -> None:
    with pytest.raises(CatalogError, match=r"here line 3: \[models.faces\] path: has \{id\} more than once"):
        parse('[models.faces]\nadapter = "rehearsal"\npath = "{id}/{id}"\n', "here", Path("/models"))
