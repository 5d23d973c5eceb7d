"""Right whole programs: every way to read standard input and to print must work.

>>> {attack.kind for attack in ATTACKS}
{'right'}
"""

from overproof.sandbox.attacks.attack import Attack, corpus

_CASES = (("2 3\n", "5\n"), ("-1 1\n", "0\n"), ("10\n5\n", "15\n"))
"""Two numbers, on one line or on two; their sum."""

_READS = {
    "reads_all": """
        # sys.stdin.read
        import sys
        print(sum(map(int, sys.stdin.read().split())))
    """,
    "reads_lines": """
        # for line in sys.stdin
        import sys
        print(sum(int(x) for line in sys.stdin for x in line.split()))
    """,
    "reads_with_input": """
        # input, until there is no more
        numbers = []
        while len(numbers) < 2:
            try: numbers += map(int, input().split())
            except EOFError: break
        print(sum(numbers))
    """,
    "reads_to_the_end": """
        # input, until EOFError
        total = 0
        try:
            while True: total += sum(map(int, input().split()))
        except EOFError: pass
        print(total)
    """,
    "reads_buffer_lines": """
        # sys.stdin.buffer.readline, several times
        import sys
        read = sys.stdin.buffer.readline
        print(sum(map(int, (read() + read()).split())))
    """,
    "reads_buffer": """
        # sys.stdin.buffer.read and readlines
        import sys
        print(sum(int(x) for line in sys.stdin.buffer.readlines() for x in line.split()))
    """,
    "iterates_over_buffer": """
        # for line in sys.stdin.buffer
        import sys
        print(sum(sum(map(int, line.split())) for line in sys.stdin.buffer))
    """,
    "readline_as_input": """
        # input replaced by sys.stdin.readline
        import sys
        input = sys.stdin.readline
        numbers = input().split()
        if len(numbers) < 2: numbers += input().split()
        print(sum(map(int, numbers)))
    """,
    "opens_descriptor_0": """
        # open(0)
        print(sum(map(int, open(0).read().split())))
    """,
    "opens_dev_stdin": """
        # /dev/stdin
        print(sum(map(int, open("/dev/stdin").read().split())))
    """,
    "reads_raw": """
        # os.read and os.fstat
        import os
        print(sum(map(int, os.read(0, os.fstat(0).st_size or 1 << 16).split())))
    """,
    "bytes_in_memory": """
        # io.BytesIO over os.read, output collected and written by os.write
        import io, os
        data = io.BytesIO(os.read(0, 1 << 20))
        total = 0
        for line in iter(data.readline, b""): total += sum(map(int, line.split()))
        os.write(1, f"{total}\\n".encode())
    """,
    "mapped_input": """
        # mmap of standard input
        import mmap
        with mmap.mmap(0, 0, access=mmap.ACCESS_READ) as area:
            print(sum(map(int, area[:].split())))
    """,
    "fileinput": """
        # fileinput
        import fileinput
        print(sum(int(x) for line in fileinput.input() for x in line.split()))
    """,
    "numpy_input": """
        # numpy's reading of text, where it is installed
        import sys
        try:
            import numpy
            print(numpy.array(sys.stdin.read().split(), dtype=int).sum())
        except ImportError:
            print(sum(map(int, sys.stdin.read().split())))
    """,
    "selects_first": """
        # select before the read, isatty, fileno
        import select, sys
        assert not sys.stdin.isatty() and sys.stdin.fileno() == 0
        select.select([sys.stdin], [], [], 5)
        print(sum(map(int, sys.stdin.read().split())))
    """,
    "writes_buffer": """
        # sys.stdout.buffer.write
        import sys
        sys.stdout.buffer.write(b"%d\\n" % sum(map(int, sys.stdin.read().split())))
    """,
    "writes_without_line_end": """
        # output without an end of line, and with spaces before it
        import sys
        print(sum(map(int, sys.stdin.read().split())), end="  ")
    """,
    "windows_output": """
        # output with the line ends of Windows
        import sys
        sys.stdout.write(f"{sum(map(int, sys.stdin.read().split()))}\\r\\n")
    """,
    "main_guard_in_the_middle": """
        # a main guard that is not last
        import sys
        def main(): print(sum(map(int, sys.stdin.read().split())))
        if __name__ == "__main__": main()
        done = True
    """,
    "main_module": """
        # the name of the module, and import of it
        import sys
        import __main__
        assert __name__ == "__main__" and __main__.__file__ == __file__ == sys.argv[0]
        print(sum(map(int, sys.stdin.read().split())))
    """,
    "global_names": """
        # global names in functions
        import sys
        total = 0
        def take(x):
            global total
            total += x
        for x in sys.stdin.read().split(): take(int(x))
        print(total)
    """,
    "future_in_a_script": """
        # an import from the future
        from __future__ import annotations
        import sys
        def total(xs: list[int]) -> int: return sum(xs)
        print(total([int(x) for x in sys.stdin.read().split()]))
    """,
    "exits_well": """
        # sys.exit(0), exit(), quit()
        import sys
        print(sum(map(int, sys.stdin.read().split())))
        exit()
    """,
    "exits_raw": """
        # os._exit after a flush
        import os, sys
        print(sum(map(int, sys.stdin.read().split())))
        sys.stdout.flush()
        os._exit(0)
    """,
    "prints_at_exit": """
        # output by an exit handler
        import atexit, sys
        total = sum(map(int, sys.stdin.read().split()))
        atexit.register(lambda: print(total))
    """,
    "prints_in_a_thread": """
        # a thread with a large stack that does all the work
        import sys, threading
        def main(): print(sum(map(int, sys.stdin.read().split())))
        sys.setrecursionlimit(1 << 20)
        threading.stack_size(64 << 20)
        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
    """,
    "prints_in_a_thread_left_alone": """
        # a thread that prints after the main thread's end
        import sys, threading, time
        def main():
            time.sleep(0.05)
            print(sum(map(int, sys.stdin.read().split())))
        threading.Thread(target=main).start()
    """,
    "prints_in_a_child": """
        # a child that prints
        import os, sys
        numbers = sys.stdin.read().split()
        if os.fork() == 0:
            print(sum(map(int, numbers)), flush=True)
            os._exit(0)
        os.wait()
    """,
    "hands_input_on": """
        # a program that is started reads the input
        import subprocess, sys
        code = "import sys; print(sum(map(int, sys.stdin.read().split())))"
        sys.exit(subprocess.run([sys.executable, "-S", "-c", code]).returncode)
    """,
    "warns_and_logs": """
        # warnings, logs and noise on standard error
        import logging, sys, warnings
        logging.warning("noise")
        warnings.warn("noise")
        print("noise" * 10_000, file=sys.stderr)
        print(sum(map(int, sys.stdin.read().split())))
    """,
    "closes_output": """
        # standard output closed at the end
        import sys
        print(sum(map(int, sys.stdin.read().split())))
        sys.stdout.close()
    """,
    "closes_both_outputs": """
        # both outputs closed a moment before the end
        import os, sys, time
        print(sum(map(int, sys.stdin.read().split())), flush=True)
        os.close(1)
        os.close(2)
        time.sleep(0.1)
        os._exit(0)
    """,
    "reads_in_asyncio": """
        # asyncio, a file written and read
        import asyncio, sys
        async def main():
            loop = asyncio.get_running_loop()
            text = await loop.run_in_executor(None, sys.stdin.read)
            open("numbers", "w").write(text)
            print(sum(map(int, open("numbers").read().split())))
        asyncio.run(main())
    """,
}

_OTHERS = (
    Attack(
        name="prints_two_mebibytes",
        kind="right",
        what="output of two mebibytes",
        program="import sys\nfor line in sys.stdin: print(line.strip() * 1000)\n",
        expect=("passed",),
        cases=((("x" * 20 + "\n") * 100, ("x" * 20_000 + "\n") * 100),),
    ),
    Attack(
        name="reads_a_mebibyte",
        kind="right",
        what="input of a mebibyte",
        program="print(sum(map(int, open(0).read().split())))\n",
        expect=("passed",),
        cases=(("1234567\n" * 131_072, f"{1234567 * 131_072}\n"),),
    ),
    Attack(
        name="no_input_no_output",
        kind="right",
        what="a program that reads nothing and prints nothing",
        program="x = 1\n",
        expect=("passed",),
        cases=(("", ""), ("unread\n", "")),
    ),
    Attack(
        name="text_beyond_ascii",
        kind="right",
        what="input and output beyond ASCII",
        program="print(input()[::-1])\n",
        expect=("passed",),
        cases=(("\u00e4\u4e2d\U0001f600\n", "\U0001f600\u4e2d\u00e4\n"),),
    ),
    Attack(
        name="windows_input",
        kind="right",
        what="input with the line ends of Windows",
        program="print(int(input()) + int(input()))\n",
        expect=("passed",),
        cases=(("2\r\n3\r\n", "5\n"),),
    ),
)

ATTACKS = (
    *corpus("right", _READS, expect=("passed",), cases=_CASES),
    *_OTHERS,
)
