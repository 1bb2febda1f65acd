"""Runs pip, but none of the code inside what pip fetches. Arguments: NAME==VERSION, then pip's own.

Of a source archive pip wants to know name and version, and runs the archive's build code to be told (PEP 517). Here it
is told at once; whatever else would start this interpreter, as builds do, is refused.
"""
import json
import os
import runpy
import subprocess
import sys

NAME, VERSION = sys.argv.pop(1).split("==")


def answer(hook, folder):
    """Answers a hook of PEP 517 in the way of pip's own runner: from input.json to output.json."""
    value = []
    if hook == "prepare_metadata_for_build_wheel":
        with open(os.path.join(folder, "input.json"), encoding="utf-8") as file:
            target = json.load(file)["kwargs"]["metadata_directory"]
        value = "{}-{}.dist-info".format(NAME.replace("-", "_"), VERSION)
        os.mkdir(os.path.join(target, value))
        with open(os.path.join(target, value, "METADATA"), "w", encoding="utf-8") as file:
            file.write(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n")
    with open(os.path.join(folder, "output.json"), "w", encoding="utf-8") as file:
        json.dump({"return_val": value}, file)


class Popen(subprocess.Popen):
    def __init__(self, args, *rest, **options):
        command = [args] if isinstance(args, (str, bytes)) else list(args)
        hooks = ("get_requires_for_build_wheel", "prepare_metadata_for_build_wheel")
        if len(command) > 2 and command[-2] in hooks:
            answer(*command[-2:])
            args = [sys.executable, "-c", ""]
        elif command[0] == sys.executable or os.path.basename(os.fsdecode(command[0])).startswith("python"):
            raise OSError("code of a fetched archive is not run: " + " ".join(map(os.fsdecode, command)))
        super().__init__(args, *rest, **options)


subprocess.Popen = Popen
runpy.run_module("pip", run_name="__main__", alter_sys=True)
