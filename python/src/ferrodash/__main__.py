"""``python -m ferrodash`` runs the program ``ferrodash`` that is installed with this package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def find_program() -> Path:
    """Return the path of the program.

    Raises:
        FileNotFoundError: The program is in none of the folders in which pip installs it.
    """
    name = "ferrodash" + (sysconfig.get_config_var("EXE") or "")
    folders = [
        Path(sys.executable).parent,
        Path(sysconfig.get_path("scripts")),
        Path(sysconfig.get_path("scripts", f"{os.name}_user")),
        Path(__file__).parents[1] / "bin",  # pip install --target
    ]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    searched = ", ".join(dict.fromkeys(map(str, folders)))
    raise FileNotFoundError(
        f"the program {name} is not installed; it is in none of {searched}; "
        "run: pip install --force-reinstall ferrodash"
    )


def main() -> None:
    """Run the program with the arguments of this process."""
    try:
        command = [str(find_program()), *sys.argv[1:]]
    except FileNotFoundError as error:
        sys.exit(str(error))
    if os.name == "nt":  # There, a replaced process would not keep the console.
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
