"""What a task's score is in this paper. Imports nothing heavy."""

from tickets.data.tasks import task
from tickets.papers.supertickets.settings import DOMAINS, TASKS

# Accuracy is logged for CoLA, but does not count.
METRICS: dict[str, tuple[str, ...]] = {
    id: ("matthews",) if id == "cola" else task(id).metrics for id in (*TASKS, *DOMAINS)
}
"""The metrics of each task; their mean is the task score (spec supertickets section 2.5)."""
