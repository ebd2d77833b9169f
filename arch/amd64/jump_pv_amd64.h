// Places in the page that departPV runs in; jump_pv_amd64.go fills it.
#define PV_SECOND 256
#define PV_OPS 2048
#define PV_CRASH 2112
#define PV_REGS 2176
#define PV_IRET 2304

// Hypercalls (public/xen.h, public/sched.h).
#define OP_SET_TRAP_TABLE 0
#define OP_STACK_SWITCH 3
#define OP_UPDATE_VA_MAPPING 14
#define OP_IRET 23
#define OP_SET_SEGMENT_BASE 25
#define OP_MMUEXT 26
#define OP_SCHED 29
#define UVMF_INVLPG 2
#define DOMID_SELF 0x7ff0
#define SCHEDOP_SHUTDOWN 2
#define FLAT_SS64 0xe02b
