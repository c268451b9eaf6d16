"""Shopify's official Admin schema, out of a pinned npm package, and what both scripts here ask of it."""
import gzip
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

PACKAGE, PACKAGE_VERSION = "@shopify/dev-mcp", "1.16.0"
SHA256 = "4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474"
MEMBER = "package/dist/data/admin_2026-10.json.gz"
API_VERSION = "2026-10"
BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}
ROOT = Path(__file__).resolve().parents[2]

TOKEN = re.compile(r"""
    (?P<skip>[\s,\ufeff]+|\#[^\n]*)
  | (?P<block>\"\"\"(?:.|\n)*?\"\"\")
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<name>[_A-Za-z][_0-9A-Za-z]*)
  | (?P<punct>\.\.\.|[!$&()\[\]{}:=@|])
""", re.X)


class Fault(Exception):
    """Something a person has to mend in a document or schema."""


class Tokens:
    """GraphQL text, a word at a time."""

    def __init__(self, text):
        self.tokens = []
        self.at = 0
        position = 0
        while position < len(text):
            found = TOKEN.match(text, position)
            if not found:
                raise Fault(f"unreadable at {text[position:position + 20]!r}")
            if found.lastgroup != "skip":
                self.tokens.append((found.lastgroup, found.group()))
            position = found.end()

    def peek(self):
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, wanted=None):
        if self.at >= len(self.tokens):
            raise Fault("ends too early")
        text = self.tokens[self.at][1]
        if wanted is not None and text != wanted:
            raise Fault(f"{wanted!r} expected, {text!r} found")
        self.at += 1
        return text

    def skip_descriptions(self):
        while self.at < len(self.tokens) and self.tokens[self.at][0] in ("block", "string"):
            self.at += 1

    def type_reference(self):
        """As it is written: `[ID!]!`."""
        if self.peek() == "[":
            self.take()
            text = f"[{self.type_reference()}]"
            self.take("]")
        else:
            text = self.take()
        if self.peek() == "!":
            text += self.take()
        return text

    def value(self):
        first = self.take()
        if first == "$":
            self.take()
        elif first == "[":
            while self.peek() != "]":
                self.value()
            self.take("]")
        elif first == "{":
            while self.peek() != "}":
                self.take()
                self.take(":")
                self.value()
            self.take("}")

    def arguments(self):
        """The names of `(name: value, ...)`, if that follows."""
        names = []
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                names.append(self.take())
                self.take(":")
                self.value()
            self.take(")")
        return names

    def directives(self):
        while self.peek() == "@":
            self.take()
            self.take()
            self.arguments()


def named(type_ref):
    """The name inside lists and non-nulls."""
    while type_ref["ofType"]:
        type_ref = type_ref["ofType"]
    return type_ref["name"]


def written(type_ref):
    """As a schema file writes it: `[ID!]!`."""
    if type_ref["kind"] == "NON_NULL":
        return written(type_ref["ofType"]) + "!"
    if type_ref["kind"] == "LIST":
        return f"[{written(type_ref['ofType'])}]"
    return type_ref["name"]


def is_required(argument):
    return argument["type"]["kind"] == "NON_NULL" and argument["defaultValue"] is None


def official():
    """The whole schema as introspection gives it."""
    archive = subprocess.run([ROOT / "tests" / "npm-pack", PACKAGE, PACKAGE_VERSION, SHA256],
                             check=True, capture_output=True, text=True).stdout.strip()
    with tarfile.open(ROOT / archive) as package:
        packed = package.extractfile(MEMBER).read()
    return json.load(gzip.open(io.BytesIO(packed)))["data"]["__schema"]
