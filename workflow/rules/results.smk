# From runs to tidy cells, and from cells to tables, figures, claims and the report.
from tickets.grid import data_file
from tickets.provenance.facts import facts_identity

for id, paper in PAPERS.items():
    folder = ROOT / id
    stages = paper.stages(CONFIG)
    with_runs = cell_stages(CONFIG, paper)
    parts = [str(folder / "cells" / f"{name}.csv") for name in with_runs]
    for stage in stages:
        if stage.name in with_runs:

            rule:
                name:
                    f"{id}_cells_{stage.name}"
                input:
                    metrics_of(stage),
                output:
                    str(folder / "cells" / f"{stage.name}.csv"),
                log:
                    str(ROOT / "logs" / id / "cells" / f"{stage.name}.log"),
                localrule: True
                params:
                    stage=f"{id} {stage.name}",
                message:
                    "collect {params.stage}"
                shell:
                    "tickets collect {params.stage} > {log} 2>&1"

    rule:
        name:
            f"{id}_cells"
        input:
            parts,
            records_of(paper),
        output:
            cells=str(folder / "cells.csv"),
            costs=str(folder / "costs.csv"),
        log:
            str(ROOT / "logs" / id / "cells.log"),
        localrule: True
        params:
            paper=id,
        message:
            "merge all cells of {params.paper}"
        shell:
            "tickets collect {params.paper} > {log} 2>&1"

    rule:
        name:
            f"{id}_facts"
        input:
            below(
                data_file(task, paper.recipe(CONFIG, task).max_length)
                for task in paper_tasks(CONFIG, paper)
            ),
        output:
            str(folder / "facts.json"),
        log:
            str(ROOT / "logs" / id / "facts.log"),
        localrule: True
        params:
            paper=id,
            identity=facts_identity(CONFIG, paper),
        message:
            "recipe facts of {params.paper}"
        shell:
            "tickets facts {params.paper} > {log} 2>&1"

    rule:
        name:
            f"{id}_claims"
        input:
            cells=str(folder / "cells.csv"),
            frames=[str(folder / f"{frame.name}.csv") for frame in paper.frames],
            facts=str(folder / "facts.json"),
            published=published(id),
        output:
            str(folder / "claims.json"),
            report(
                str(folder / "claims.md"),
                caption="../report/claims.rst",
                category=paper.title,
                subcategory="claims",
                labels={"number": "all claims", "preset": CONFIG.preset},
            ),
        log:
            str(ROOT / "logs" / id / "claims.log"),
        localrule: True
        params:
            paper=id,
        message:
            "judge the claims of {params.paper}"
        shell:
            "tickets claims {params.paper} > {log} 2>&1"

    rule:
        name:
            f"{id}_headline"
        input:
            cells=str(folder / "cells.csv"),
            frames=[str(folder / f"{frame.name}.csv") for frame in paper.frames],
            facts=str(folder / "facts.json"),
            claims=str(folder / "claims.json"),
        output:
            str(folder / "headline.json"),
        log:
            str(ROOT / "logs" / id / "headline.log"),
        localrule: True
        params:
            paper=id,
        message:
            "headline numbers of {params.paper}"
        shell:
            "tickets headline {params.paper} > {log} 2>&1"

    rule:
        name:
            f"{id}_runs"
        input:
            job_files(paper),


for id, chapter in CHAPTERS.items():
    folder = ROOT / id
    own = [item for item in ARTIFACTS if item.paper == id]

    for frame in chapter.frames:

        rule:
            name:
                f"{id}_{frame.name}_frame"
            input:
                below(frame.inputs(CONFIG)),
                [path for role in frame.models for path in model_paths(role)],
            output:
                str(folder / f"{frame.name}.csv"),
            log:
                str(ROOT / "logs" / id / f"{frame.name}.log"),
            resources:
                **gpu_request(0, PROFILE_RESOURCES),
                runtime=lambda wildcards, attempt: 120 * attempt,
                mem_mb=lambda wildcards, attempt: 8000 * attempt,
            params:
                frame=f"{id} {frame.name}",
            message:
                "collect {params.frame}"
            shell:
                "tickets frame {params.frame} > {log} 2>&1"

    for item in own:

        rule:
            name:
                item.id
            input:
                cells=below(cells_read(CONFIG, item)),
                frames=[str(folder / f"{name}.csv") for name in item.frames],
                facts=[str(folder / "facts.json")] if item.facts else [],
                published=[
                    path for p in item.reads if p in PAPERS for path in published(p)
                ],
            output:
                report(
                    outputs_of(item)[1],
                    caption="../report/artifact.rst",
                    category=chapter.title,
                    subcategory=f"{item.kind}s",
                    labels={"number": item.number, "preset": CONFIG.preset},
                ),
                [path for path in outputs_of(item) if path != outputs_of(item)[1]],
            log:
                str(ROOT / "logs" / id / "render" / f"{item.stem}.log"),
            localrule: True
            params:
                artifact=item.id,
                title=item.title,
                caption=item.caption,
            message:
                "render {params.artifact}"
            shell:
                "tickets render {params.artifact} > {log} 2>&1"

    rule:
        name:
            id
        input:
            [path for item in own for path in outputs_of(item)],
            (
                [
                    str(folder / name)
                    for name in ("claims.json", "costs.csv", "headline.json")
                ]
                if id in PAPERS
                else []
            ),


rule report_page:
    input:
        [path for item in ARTIFACTS for path in outputs_of(item)],
        expand(
            str(ROOT / "{paper}" / "{file}"),
            paper=PAPERS,
            file=[
                "claims.json",
                "cells.csv",
                "costs.csv",
                "facts.json",
                "headline.json",
            ],
        ),
        [
            str(ROOT / id / f"{frame.name}.csv")
            for id, chapter in CHAPTERS.items()
            for frame in chapter.frames
        ],
    output:
        str(ROOT / "report" / "index.html"),
    log:
        str(ROOT / "logs" / "report.log"),
    localrule: True
    message:
        "write the report"
    shell:
        "tickets report > {log} 2>&1"
