# Named targets besides `all`, each paper's id and each artifact's id.
from tickets.rules import check_words


rule tables:
    input:
        [
            path
            for item in ARTIFACTS
            if item.kind == "table"
            for path in outputs_of(item)
        ],


rule figures:
    input:
        [
            path
            for item in ARTIFACTS
            if item.kind == "figure"
            for path in outputs_of(item)
        ],


try:
    check_words(sys.argv, {rule.name for rule in workflow.rules}, NOT_REPRODUCED)
except TicketsError as error:
    raise WorkflowError(str(error)) from None
