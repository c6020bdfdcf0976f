"""The tasks of paper `lth`, in the order of its tables: eleven, of which all but MLM are downstream."""

from tickets.data.tasks import TASKS as REGISTRY
from tickets.data.tasks import Task

_IDS = ("mnli", "qqp", "sts-b", "wnli", "qnli", "mrpc", "rte", "sst-2", "cola", "squad", "mlm")

TASKS: dict[str, Task] = {id: REGISTRY[id] for id in _IDS}
DOWNSTREAM = tuple(id for id in TASKS if id != "mlm")
