"""The hostile corpus and what each file of it ends as: one status, or several with a bar between.

A candidate that probes a wall answers 0 where it was refused and 99, which is out of range, where it got
through: ``ok`` below means that the attack failed and the candidate went on to answer.
"""

from pathlib import Path

CORPUS = Path(__file__).parent.parent / "hostile"

LOOPS = {
    "loops_at_import": "timeout",
    "loops_in_hook": "timeout",
    "loops_in_c_power": "timeout",
    "loops_in_c_regex": "timeout",
    "burns_cpu_between_answers": "timeout",
    "sleeps": "timeout",
    "ignores_signals_and_sleeps": "timeout",
    "closes_everything_and_sleeps": "timeout|protocol",
    "forges_half_a_detail": "timeout",
}
EXITS = {
    "exits_politely": "protocol",
    "exits_at_import": "protocol",
    "exits_hard": "protocol",
    "exits_like_a_killed_process": "crashed",
}
RESOURCES = {
    "allocates_without_end": "oom",
    "allocates_at_once": "oom",
    "allocates_beside_the_limit": "ok",
    "floods_stdout": "output_limit",
    "floods_stderr": "output_limit",
    "floods_in_passing": "output_limit",
    "opens_too_many_files": "crashed",
    "reads_stdin": "crashed",
}
PROCESSES = {
    "forks": "crashed",
    "forks_every_way": "ok",
    "starts_a_thread": "crashed",
    "starts_a_program": "crashed",
    "becomes_a_program": "crashed",
    "kills_others": "ok",
    "kills_itself": "crashed",
    "traces_others": "ok",
    "makes_namespaces": "ok",
    "asks_the_kernel_for_more": "ok",
}
NETWORK = {
    "opens_a_socket": "crashed",
    "connects_to_loopback": "crashed",
    "asks_the_name_server": "crashed",
    "opens_a_unix_socket": "crashed",
    "makes_a_socket_pair": "crashed",
    "opens_an_io_ring": "ok",
}
SECRETS = {
    "reads_the_environment": "ok",
    "reads_the_inherited_environment_block": "ok",
    "searches_memory_for_secrets": "ok",
}
CRASHES = {
    "reads_address_zero": "crashed",
    "aborts": "crashed",
    "corrupts_the_heap": "crashed",
    "recurses": "crashed",
    "recurses_without_limit": "crashed|oom|timeout",
    "recurses_in_c": "crashed|oom",
    "raises": "crashed",
    "raises_at_import": "crashed",
    "raises_what_cannot_be_printed": "crashed",
    "raises_a_long_story": "crashed",
    "interrupts": "crashed",
}
ANSWERS = {
    "answers_nan": "protocol",
    "answers_infinity": "protocol",
    "answers_minus_infinity": "protocol",
    "answers_a_bool": "protocol",
    "answers_a_string": "protocol",
    "answers_none": "protocol",
    "answers_a_huge_integer": "protocol",
    "answers_a_dict": "protocol",
    "answers_a_number_out_of_range": "protocol",
    "answers_a_fraction": "protocol",
    "answers_a_complex_number": "protocol",
    "answers_a_float_subclass": "protocol",
    "answers_an_object": "protocol",
    "answers_with_a_hostile_type_name": "protocol",
    "answers_later": "protocol",
}
PIPES = {
    "closes_everything": "protocol",
    "writes_garbage_everywhere": "protocol",
    "forges_an_unknown_status": "protocol",
    "forges_an_endless_detail": "protocol",
    "forges_a_detail_of_length_nan": "protocol",
    "forges_half_an_answer": "protocol",
    "forges_answers_in_advance": "ok",
    "floods_the_answer_pipe": "protocol|timeout|ok",
}
OUTSIDE = {
    "writes_the_judges_memory": "ok",
    "changes_files": "ok",
}
TAMPERING = {
    "sleeps_at_exit": "ok",
    "patches_everything": "ok",
    "changes_what_it_is_shown": "ok|crashed",
    "patches_what_the_worker_calls": "protocol|crashed|timeout",
    "replaces_the_worker": "protocol|crashed",
}
SHAPES = {
    "forgets_the_hook": "invalid",
    "takes_too_many_parameters": "invalid",
    "defines_a_number": "invalid",
}
FILES = {
    "raises_its_privileges": "ok",
    "reads_private_files": "ok",
    "lists_the_root": "ok",
    "looks_for_the_project": "ok",
    "imports_what_is_installed": "ok",
    "writes_a_huge_file": "crashed",
    "writes_a_sparse_file": "crashed",
    "fills_the_scratch_folder": "crashed",
    "leaves_something_behind": "ok",
}
"""Only where the sandbox has a root of its own: ``process`` shares the machine's files and, rootless, its user."""

BARE_ROOT = {"reads_private_files", "lists_the_root"}
"""Of those, the ones that look for files which every root but bubblewrap's has: a container shows its image's,
and the engine's /proc, /sys and /dev."""

ANYWHERE = LOOPS | EXITS | RESOURCES | PROCESSES | NETWORK | SECRETS | CRASHES
ANYWHERE |= ANSWERS | PIPES | OUTSIDE | TAMPERING | SHAPES
