using Serval.Api.Core;

namespace Serval.Node.Containers;

/// <summary>What a container's programs may ever be allowed to do.</summary>
/// <param name="Capabilities">Bit n stands for capability n of capabilities(7); null leaves them what Serval's are.</param>
/// <param name="NoNew">No program gains any by being executed (no_new_privs).</param>
internal sealed record ContainerPrivileges(ulong? Capabilities, bool NoNew)
{
    private const string Prefix = "CAP_";

    // By number: linux/capability.h.
    private static readonly string[] s_names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE",
        "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN",
        "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE",
        "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    // containerd's of a container that asks for nothing (oci/spec.go, defaultUnixCaps).
    private static readonly ulong s_default = Set([
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",
        "AUDIT_WRITE",
    ]);

    /// <summary>
    /// What a container's securityContext says (core/v1 SecurityContext); ALL comes first, in both lists. Throws <see cref="ContainerConfigException"/>.
    /// </summary>
    /// <param name="context">The container's.</param>
    /// <param name="limits">Whether Serval can limit capabilities here.</param>
    public static ContainerPrivileges Of(SecurityContext context, bool limits)
    {
        var (add, drop) = (context.Capabilities.Add, context.Capabilities.Drop);
        var set = context.Privileged == true || add.Any(IsAll) ? ulong.MaxValue : s_default;
        set = drop.Any(IsAll) ? 0 : set;
        set = (set | Set(add)) & ~Set(drop);
        return new ContainerPrivileges(limits ? set : null, context.AllowPrivilegeEscalation == false);
    }

    private static bool IsAll(string name) => name.Equals("ALL", StringComparison.OrdinalIgnoreCase);

    private static ulong Set(IEnumerable<string> names) => names.Where(n => !IsAll(n)).Aggregate(0UL, (set, name) => set | (1UL << Number(name)));

    private static int Number(string name)
    {
        var upper = name.ToUpperInvariant();
        var number = Array.IndexOf(s_names, upper.StartsWith(Prefix, StringComparison.Ordinal) ? upper[Prefix.Length..] : upper);
        return number >= 0
            ? number
            : throw new ContainerConfigException(
                $"securityContext.capabilities: unknown capability \"{name}\"; names are those of capabilities(7), for example NET_BIND_SERVICE",
                ContainerConfigException.CreateContainerError);
    }
}
