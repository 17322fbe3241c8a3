#!/usr/bin/env python3
"""What Jinja2 makes of the chat template that converted folders carry: the yardstick of test/model/serving.test.ts.

The settings are those of transformers (`apply_chat_template`), which vLLM uses. Run again with a folder that
`bagpiper convert --quantize none` made (Jinja2 3 will do):
    python3 scripts/golden/chat_template.py FOLDER
Writes test/fixtures/text/chat-template.json.
"""
import json
import pathlib
import sys

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUT = pathlib.Path(__file__).resolve().parents[2] / "test/fixtures/text/chat-template.json"
CONVERSATIONS = [
    [],
    [["user", "Say hello."]],
    [["system", "You are brief."], ["user", "Say\n\n hello. "]],
    [["user", "<|audio|>"], ["user", "Who speaks?"]],
    [["user", "<|audio|>"]],
    [["system", "A"], ["system", "B"], ["user", "C"], ["user", "D"], ["assistant", "E"], ["assistant", "F"], ["user", "G"]],
]


def main():
    template = (pathlib.Path(sys.argv[1]) / "chat_template.jinja").read_text()
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    render = environment.from_string(template).render
    cases = []
    for turns in CONVERSATIONS:
        messages = [{"role": role, "content": content} for role, content in turns]
        for prompt in (False, True):
            text = render(messages=messages, add_generation_prompt=prompt)
            cases.append({"messages": turns, "prompt": prompt, "text": text})
    found = {"jinja2": jinja2.__version__, "template": template, "cases": cases}
    OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


main()
