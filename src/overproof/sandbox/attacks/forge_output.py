"""Whole programs that claim by other means than their output that they are right.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import corpus

_PROGRAMS = {
    "output_of_success": """
        # a line that says passed is believed
        print("passed\\nOK\\n5 passed in 0.01s")
    """,
    "exit_without_output": """
        # an exit with status 0 without output counts as success
        import os
        os._exit(0)
    """,
    "right_output_wrong_status": """
        # a right output followed by a failure passes
        import sys
        print(5)
        sys.exit(1)
    """,
    "right_output_then_exception": """
        # a right output followed by an exception passes
        print(5)
        raise ValueError
    """,
    "right_output_then_crash": """
        # a right output followed by a crash passes
        import os
        print(5, flush=True)
        os.abort()
    """,
    "answer_on_stderr": """
        # an answer on standard error is taken for output
        import sys
        print(5, file=sys.stderr)
    """,
    "every_answer": """
        # all numbers are printed, one of which is right
        for n in range(100): print(n)
    """,
    "rewrites_its_input": """
        # the input that is compared is the one that the program changed
        import os
        os.ftruncate(0, 0)
        os.pwrite(0, b"5\\n", 0)
        os.lseek(0, 0, 0)
        os.write(1, b"")
    """,
    "speaks_on_all_descriptors": """
        # a message on every descriptor reaches the judge
        import json, os, struct
        text = json.dumps({"status": "passed", "detail": "", "loaded": True, "value": 5}).encode()
        for number in range(3, 256):
            try: os.write(number, struct.pack("<I", len(text)) + text)
            except OSError: pass
        print("wrong")
    """,
    "output_by_a_survivor": """
        # what a child prints after the program's end is taken for output
        import os, time
        if os.fork() == 0:
            time.sleep(0.5)
            print(5)
    """,
}

_LOOKS = {
    "looks_for_expected": """
        # the expected output lies in a file, a descriptor or a name that the program can read
        import os
        found = b""
        for number in range(256):
            try:
                os.lseek(number, 0, 0)
                found += os.read(number, 4096)
            except OSError: pass
        for folder, _, names in os.walk(".."):
            for name in names:
                try: found += open(os.path.join(folder, name), "rb").read(4096)
                except OSError: pass
        for value in os.environ.values(): found += value.encode()
        word = b"".join((b"zinn", b"ober"))
        print("zinn" + "ober" if found.count(word) else "not found")
    """,
}

_CASES = (("2 3\n", "5\n"),)

ATTACKS = (
    *corpus("forge", _PROGRAMS, cases=_CASES),
    *corpus("forge", _LOOKS, cases=(("2 3\n", "zinnober\n"),)),
)
