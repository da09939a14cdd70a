# Checks whether the Python that runs this file can be embedded. Prints its path and exits with 0, or prints to stderr
# what is missing, with the Debian/Ubuntu package that has it, and exits with 1.
# It has to run on every python3, so that it is written for the oldest.
# ruff: noqa: PTH110, PTH118, UP031, UP036
import os
import sys
import sysconfig


def lacks():
    version = "%d.%d" % sys.version_info[:2]
    if sys.version_info < (3, 11):
        return ["is Python %s, and 3.11 or newer is needed (Debian/Ubuntu: python3)" % version]
    system = os.path.realpath(sys.executable) == "/usr/bin/python" + version
    debian = "python3" if system else "python" + version
    missing = []
    if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
        missing.append("has no headers, Python.h (Debian/Ubuntu: " + debian + "-dev)")
    if not shared_library():
        missing.append(
            "has no shared libpython (Debian/Ubuntu: libpython" + version + "; "
            "pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared)"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        missing.append("cannot make a venv (Debian/Ubuntu: " + debian + "-venv)")
    return missing


def shared_library():
    name = sysconfig.get_config_var("INSTSONAME") or ""
    if ".so" not in name:
        return None
    folder = sysconfig.get_config_var("LIBDIR") or ""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for candidate in (folder, os.path.join(folder, multiarch), os.path.join("/usr/lib", multiarch)):
        if os.path.exists(os.path.join(candidate, name)):
            return os.path.join(candidate, name)
    return None


if __name__ == "__main__":
    faults = lacks()
    for fault in faults:
        sys.stderr.write("  " + sys.executable + " " + fault + "\n")
    if faults:
        sys.exit(1)
    sys.stdout.write(sys.executable + "\n")
