/* Lets a process believe that its CPU has AVX2 and nothing newer: no AVX-512, no VNNI, no AMX. Its code runs at full speed.
 *
 *     gcc -O2 -shared -fPIC -o mask_cpu.so mask_cpu.c
 *     LD_PRELOAD=./mask_cpu.so node ...
 *
 * Linux on x86-64 whose /proc/cpuinfo names cpuid_fault: there the CPUID instruction can be made to fault (arch_prctl(2),
 * ARCH_SET_CPUID), and the handler answers in its place. Threads inherit that. Node resets all handlers and sets its own when it
 * starts: sigaction keeps ours first.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(n) (1u << (n))

/* Intel SDM volume 2A, CPUID, leaf 7. */
static const unsigned AVX512_EBX = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
static const unsigned AVX512_ECX = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14);
static const unsigned AVX512_AMX_EDX = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);

static long answering(int on) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, on); }

/* What the process itself wants to be told of. */
static struct sigaction wanted;

static int real_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  static int (*real)(int, const struct sigaction *, struct sigaction *);
  if (!real) real = (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
  return real(number, action, old);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  if (number != SIGSEGV) return real_sigaction(number, action, old);
  if (old) *old = wanted;
  if (action) wanted = *action;
  return 0;
}

static void answer(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *code = (const unsigned char *)registers[REG_RIP];
  if (code[0] != 0x0f || code[1] != 0xa2) {
    /* A fault of the process's own. */
    if (wanted.sa_flags & SA_SIGINFO) wanted.sa_sigaction(number, info, context);
    else real_sigaction(number, &wanted, NULL);
    return;
  }
  unsigned leaf = (unsigned)registers[REG_RAX], sub = (unsigned)registers[REG_RCX], a, b, c, d;
  answering(1);
  __cpuid_count(leaf, sub, a, b, c, d);
  answering(0);
  if (leaf == 7 && sub == 0) {
    b &= ~AVX512_EBX;
    c &= ~AVX512_ECX;
    d &= ~AVX512_AMX_EDX;
  } else if (leaf == 7) {
    /* AVX-VNNI, AVX-512 BF16, AMX-FP16, AVX10 and what came later. */
    a = b = c = d = 0;
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  if (real_sigaction(SIGSEGV, &action, NULL) != 0 || answering(0) != 0) {
    perror("CPUID cannot be masked on this machine");
    exit(1);
  }
}
