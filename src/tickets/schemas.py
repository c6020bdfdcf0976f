"""JSON Schemas of the config, generated from the typed classes into workflow/schemas (`make schemas`)."""

import json
from pathlib import Path

from tickets.config import Preset

FOLDER = Path(__file__).parents[2] / "workflow" / "schemas"


def documents() -> dict[str, str]:
    """File name -> content of every generated schema."""
    schema = Preset.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "One preset of config.yaml"
    return {"preset.schema.json": json.dumps(schema, indent=1, sort_keys=True) + "\n"}


def write(folder: Path = FOLDER) -> None:
    """Write the schemas; a test fails when they are out of date."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write()
