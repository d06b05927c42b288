"""Checks that debugging/communica.natvis is XML and names types and members that the headers have.

    natvis.py NATVIS INCLUDE_DIRECTORY
"""
import pathlib
import re
import sys
from xml.etree import ElementTree

natvis, include = map(pathlib.Path, sys.argv[1:])
text = "\n".join(path.read_text() for path in sorted(include.rglob("*.hpp")))
namespace = "{http://schemas.microsoft.com/vstudio/debugger/natvis/2010}"
wrong, names = [], set()

for shown in ElementTree.parse(natvis).getroot().iter(namespace + "Type"):
    types = [shown.get("Name"), *(other.get("Name") for other in shown.iter(namespace + "AlternativeType"))]
    for name in types:
        plain = re.sub(r"<.*", "", name).rpartition("::")[2]
        if not re.search(rf"\b(class|struct) {plain}\b", text):
            wrong.append(f"no such type: {name}")
    for element in shown.iter():
        braced = element.tag == namespace + "DisplayString"
        for expression in [*(re.findall(r"{(.*?)}", element.text or "") if braced else [element.text or ""]),
                           element.get("Condition", "")]:
            names |= set(re.findall(r"\b[a-z]\w*_\b|\bconnections\b|\bwas_here\b|\bpeer\b|\bcode\b|\bmessage\b", expression))

wrong += [f"no such member: {name}" for name in sorted(names) if not re.search(rf"\b{name}\b( =|;|{{|\[)", text)]
if wrong or len(names) < 20:
    sys.exit("\n".join([*wrong, f"{len(names)} members"]))
print(f"{len(names)} members are there")
