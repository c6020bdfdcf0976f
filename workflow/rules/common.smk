# The validated config and the few functions that rules need; everything else lives in src/tickets.
import json
import sys
from pathlib import Path

from tickets.config import parse_config
from tickets.errors import TicketsError
from tickets.papers.registry import PAPERS, artifacts, preset_tasks
from tickets.rules import plans

try:
    CONFIG = parse_config(config, where=str(workflow.configfiles[-1]))
except TicketsError as error:
    raise WorkflowError(str(error)) from None

ROOT = CONFIG.root
ARTIFACTS = list(artifacts().values())
NOT_REPRODUCED = {
    id: why for paper in PAPERS.values() for id, why in paper.not_reproduced.items()
}
EXECUTION = CONFIG.settings.execution

# Jobs read the config as it is after all overrides.
EFFECTIVE = Path(".tickets", "config", f"{CONFIG.preset}.json")
if not workflow.dryrun and (
    not EFFECTIVE.exists() or json.loads(EFFECTIVE.read_text()) != config
):
    EFFECTIVE.parent.mkdir(parents=True, exist_ok=True)
    EFFECTIVE.write_text(json.dumps(config))

shell.prefix(
    f'set -euo pipefail; export PATH="{Path(sys.executable).parent}:$PATH" TICKETS_CONFIG={EFFECTIVE} '
    f"TICKETS_PRESET={CONFIG.preset} OMP_NUM_THREADS={EXECUTION.threads}; "
)


def below(paths):
    """Paths below results/<preset>, as strings."""
    return [str(ROOT / path) for path in paths]


def outputs_of(item):
    """Files of a table or figure."""
    return [str(path) for path in item.outputs(ROOT / item.paper)]


def rule_plans(paper):
    """Rules of a paper's stages."""
    return plans(CONFIG, PAPERS[paper].stages(CONFIG))
