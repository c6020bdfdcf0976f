"""What is known about each number: from our runs (`Evidence`) or as printed (`PublishedEvidence`).

Tables, figures and claims ask either one through the same methods. A question without an answer gives None or
something empty, which is shown as "not run"; nothing is filled in.
"""

from tickets.papers.tamt.published_evidence import PublishedEvidence
from tickets.papers.tamt.run_evidence import Evidence
from tickets.papers.tamt.terms import AVG5, AVG7, KINDS, METRIC, MODELS, TASKS7
from tickets.papers.tamt.which import Which

__all__ = ["AVG5", "AVG7", "KINDS", "METRIC", "MODELS", "TASKS7", "Evidence", "PublishedEvidence", "Which"]
