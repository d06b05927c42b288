"""The figures as a table and as a chart."""
import datetime
import os
import platform
import re
import subprocess
from html import escape
from pathlib import Path

from cases import ADDED_GROUPS, ASIO, GROUPS, OURS, PACKAGES


def describe_machine():
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


def today():
    return datetime.date.today().isoformat()


def versions():
    """Of the compiler and of what Debian packages."""
    def output(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True).stdout.strip()
        except FileNotFoundError:
            return ""

    found = {"compiler": output(os.environ.get("CXX", "c++"), "--version").split("\n")[0]}
    for name, package in PACKAGES.items():
        version = output("dpkg-query", "-W", "-f", "${Version}", package)
        if version:
            found[package] = version
    return found


def describe_run(results):
    return (f"{results['date']}, {results['machine']}. Medians of {results['repetitions']} runs of "
            f"{results['seconds']:g} s, the cases of a table one after the other, in random order; ratios of cases "
            "are medians of what each round gives. Client and server share one core unless said otherwise.")


def group_rows(results, group):
    """(label, figures) of a group, the least CPU time first."""
    rows = [(key.split("/", 1)[1], figures) for key, figures in results["medians"].items()
            if key.split("/", 1)[0] == group]
    return sorted(rows, key=lambda row: row[1].get("cpu_us", row[1].get("idle_kb")))


def table(results):
    lines = ["# Benchmarks", "", describe_run(results), ""]
    lines += ["; ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".", ""]
    if results["absent"]:
        lines += [f"Not installed, so not measured: {', '.join(results['absent'])}.", ""]
    if results["failed"]:
        lines += [f"Failed: {', '.join(results['failed'])}.", ""]
    lines += ["## What is to be reached", "", "| case | against | to reach | reached | |", "|---|---|---|---|---|"]
    lines += [f"| {row['case']} | {row['against']} | {row['to_reach']} | {row['reached']} | "
              f"{'yes' if row['holds'] else '**no**'} |" for row in results["targets"]]
    lines += added_tables(results)
    for group, title in GROUPS.items():
        rows = group_rows(results, group)
        if rows:
            lines += ["", f"## {title}", ""]
            lines += idle_table(rows) if group == "idle" else request_table(rows, results["against_asio"], group)
    return "\n".join(lines) + "\n"


def added_tables(results):
    """What libraries add to Asio coroutines: time in each group, and instructions of ours."""
    added = {}  # by label and group
    for group in ADDED_GROUPS:
        figures = dict(group_rows(results, group))
        if ASIO in figures:
            for label, run in figures.items():
                if not label.startswith(ASIO):
                    added.setdefault(label, {})[group] = (run["cpu_us"] - figures[ASIO]["cpu_us"]) * 1000
    if not added:
        return []
    groups = [group for group in ADDED_GROUPS if any(group in by_group for by_group in added.values())]
    lines = ["", "## What a library adds", "", "ns of CPU time for a request, of both sides together, above those of Asio "
             "coroutines:", "", "| | " + " | ".join(GROUPS[group] for group in groups) + " |",
             "|---" * (1 + len(groups)) + "|"]
    for label, by_group in added.items():
        cells = [f"{by_group[group]:+,.0f}" if group in by_group else "" for group in groups]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    if results.get("added_instructions"):
        lines += ["", "Instructions of both sides for a request of 64 B, without those of the system, in scripted runs in "
                  "one process:", "", f"| | {OURS} | {ASIO} | added |", "|---|---|---|---|"]
        lines += [f"| {row['script']} | {row['instructions']:,} | {row['asio']:,} | "
                  f"{row['instructions'] - row['asio']:+,} |" for row in results["added_instructions"]]
    return lines


def idle_table(rows):
    return ["| | kB |", "|---|---|"] + [f"| {label} | {figures['idle_kb']:.1f} |" for label, figures in rows]


def request_table(rows, against_asio, group):
    """`x` is the CPU time against Asio coroutines, where these are in the group."""
    lines = ["| | CPU us a request | x | requests/s | MB/s | p50 us | p99 us | server's peak MB |",
             "|---|---|---|---|---|---|---|---|"]
    for label, run in rows:
        ratio = against_asio.get(f"{group}/{label}")
        ratio = f"{ratio:.2f}" if ratio else ""
        lines.append(f"| {label} | {run['cpu_us']:.2f} | {ratio} | {run['per_second']:,.0f} | "
                     f"{run['mb_per_second']:,.1f} | {run['p50_us']:,.1f} | {run['p99_us']:,.1f} | "
                     f"{run['server_peak_kb'] / 1024:.1f} |")
    return lines


# ---- the chart -----------------------------------------------------------------------------------------------------

WIDTH, LABEL_WIDTH, ROW = 760, 210, 22
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 } .note { font-size: 11px; fill: #57606a }
  .bar { fill: #8c959f } .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #8d96a0 } .ours { fill: #58a6ff } }
"""


def chart(results, groups, figure, unit, better):
    """Bars of a figure for the groups."""
    parts, y = [], 24
    for group in groups:
        rows = group_rows(results, group)
        if not rows:
            continue
        parts.append(f'<text class="title" x="8" y="{y}">{escape(GROUPS[group])}: {unit}</text>')
        y += 12
        longest = max(figures[figure] for _, figures in rows)
        for label, figures in rows:
            parts.append(bar(label, figures[figure], longest, y))
            y += ROW
        y += 30
    machine = f"{results['machine']}, {results['versions']['compiler']}, {results['date']}."
    for note in (machine, "Client and server together, on one core; medians of "
                 f"{results['repetitions']} runs. {better}. Versions: table.md."):
        parts.append(f'<text class="note" x="8" y="{y - 10}">{escape(note)}</text>')
        y += 16
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
            f'role="img" aria-label="{unit}">\n<style>{STYLE}</style>\n{body}\n</svg>\n')


def bar(label, value, longest, y):
    width = max(1, (WIDTH - LABEL_WIDTH - 70) * value / longest)
    kind = "bar ours" if label.startswith(OURS) else "bar"
    return (f'<text x="{LABEL_WIDTH - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" rx="2"/>'
            f'<text x="{LABEL_WIDTH + width + 6:.1f}" y="{y + 15}">{value:,.{2 if value < 1000 else 0}f}</text>')
