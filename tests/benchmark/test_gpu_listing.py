"""Texts are what XLA of jax 0.10.2 (CUDA 13) and ptxas and nvdisasm 13.5 said of small programs, cut short."""

from collections import Counter

from benchmarks.gpu_listing import Code, code_of, count_launches, thunks_of, trips_of

# A loop of 7 passes, one of unknown length, a conditional.
STEPS = """\
001: kCopy         [source       | next=003 (2)] kCopy
003: kWhile        [prev=002 (1) | next=008 (1)]   \n\
condition:
    004: kCustomKernel [source | sink] loop_compare_fusion grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
  body:
    006: kCustomKernel [source       | next=007 (1)] sort_10_1 grid: [1, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
    007: kCustomKernel [prev=006 (1) | sink        ] loop_multiply_fusion grid: [3, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
008: kWhile        [prev=003 (1) | next=014 (1)]   \n\
condition:
    009: kCustomKernel [source       | next=010 (1)] input_reduce_fusion grid: [1, 1, 1] threads: [32, 1, 1]  shared_memory: 0 bytes
    010: kCustomKernel [prev=009 (1) | sink        ] loop_compare_fusion_1 grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
  body:
    011: kCopy         [source       | next=012 (1)] kCopy
    012: kCustomKernel [prev=011 (1) | next=013 (1)] sort_14_1 grid: [1, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
014: kCustomKernel [prev=008 (1) | next=018 (1)] loop_compare_fusion_2 grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
018: kConditional  [prev=014 (1) | next=019 (1)]   \n\
  false_branch:
    015: kCustomKernel [source       | next=016 (1)] loop_reduce_window_fusion grid: [3, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
    016: kCustomKernel [prev=015 (1) | sink        ] loop_slice_fusion grid: [3, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
  true_branch:
    017: kCustomKernel [source | sink] wrapped_reverse grid: [3, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
"""  # noqa: E501
METADATA = """\
thunk_metadata {
  thunk_info {
    profile_annotation: "while.14"
    thunk_id: 3
  }
  thunk_kind: "kWhile"
}
thunk_metadata {
  thunk_info {
    profile_annotation: "while.17"
    thunk_id: 8
  }
  thunk_kind: "kWhile"
}
"""
HLO = """\
  %while.14 = (s64[], f32[300]{0}) while(%tuple.7), condition=%region_2.5, body=%region_0.4, backend_config={"known_trip_count":{"n":"7"},"known_init_step":{"init":"0","step":"1"}}
  %while.17 = f32[300]{0} while(%while.16.0), condition=%region_5.10, body=%region_3.8
"""  # noqa: E501

# Two graphs, and between them a loop of which the length was found to be 17.
GRAPHS = """\
000: kCommandBuffer [source       | next=063 (1)] \n\
    061: kCustomKernel [prev=044 (17) | sink        ] loop_broadcast_fusion_5 grid: [106, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
    062: kCustomKernel [prev=057 (5)  | sink        ] wrapped_iota grid: [106, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
063: kWhile         [prev=000 (1) | next=000 (1)]   \n\
condition:
    064: kCustomKernel [source | sink] loop_compare_fusion grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
  body:
    065: kCustomKernel [source       | next=066 (1)] loop_select_fusion grid: [106, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
    066: kCopy         [prev=065 (1) | sink        ] kCopy
000: kCommandBuffer [prev=063 (1) | next=094 (1)] \n\
    092: kCustomKernel [prev=070 (22) | sink        ] loop_broadcast_fusion_4 grid: [4592, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
"""  # noqa: E501

ASSEMBLER = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'kernel' for 'sm_90'
ptxas info    : Function properties for kernel
    0 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 14 registers, used 0 barriers
ptxas info    : Compile time = 16.438 ms
"""
LISTING = """\
	.section	.text.kernel,"ax",@progbits
        .type           kernel,@function
kernel:
.text.kernel:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0100*/               @P1 BRA `(.L_x_0) ;
.L_x_1:
        /*0210*/                   MUFU.SIN R9, R4 ;
        /*0220*/                   FADD R9, R9, R11 ;
        /*0230*/              @!P1 BRA `(.L_x_1) ;
.L_x_0:
        /*0390*/                   STG.E desc[UR4][R2.64], R9 ;
        /*03a0*/                   EXIT ;
.L_x_4:
        /*03b0*/                   BRA `(.L_x_4);
        /*03c0*/                   NOP;
"""


def test_steps_and_what_they_hold():
    copy, loop, other, compare, branches = thunks_of(STEPS)
    assert (copy.kind, copy.kernel) == ("kCopy", "")
    assert [each.kernel for each in loop.inside["body"]] == ["sort_10_1", "loop_multiply_fusion"]
    assert [each.threads for each in loop.inside["body"]] == [128, 384]
    assert [each.kind for each in other.inside["body"]] == ["kCopy", "kCustomKernel"]
    assert compare.kernel == "loop_compare_fusion_2"
    assert {name: len(inside) for name, inside in branches.inside.items()} == {"false_branch": 2, "true_branch": 1}


def test_only_loops_of_known_length_have_one():
    assert trips_of(METADATA, HLO) == {3: 7}


def test_launches_are_those_of_loops_and_of_the_longest_branch():
    found = count_launches(thunks_of(STEPS), trips_of(METADATA, HLO))
    assert found.device == found.host == 1 + 7 * 2 + (2 + 2) + 1 + 2
    assert found.kernels["sort_10_1"] == (7, 7 * 128)
    assert "wrapped_reverse" not in found.kernels
    assert found.waits == Counter(
        {"a loop of unknown length (4 launches each time)": 1, "a conditional (2 or 1 launches)": 1}
    )


def test_the_host_launches_a_graph_as_one():
    found = count_launches(thunks_of(GRAPHS), {63: 17})
    assert (found.device, found.host) == (2 + 17 * 2 + 1, 1 + 17 * 2 + 1)
    assert not found.waits


def test_code_of_a_kernel():
    # Neither what stands behind the end nor the jump there, which never ends, is a loop.
    assert code_of(ASSEMBLER, LISTING) == {"kernel": Code(registers=14, spilled=12, instructions=8, loop=3)}
