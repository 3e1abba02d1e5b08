using Serval.Api.Core;

namespace Serval.Node.Agent;

/// <summary>Which parameters of the kernel a pod may set: those kubelet calls safe (kubernetes pkg/kubelet/sysctl, safe_sysctls.go and allowlist.go).</summary>
internal static class NodeSysctls
{
    /// <summary>Why a pod waits that asks for another.</summary>
    public const string Forbidden = "SysctlForbidden";

    private static readonly string[] s_safe =
    [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ];

    /// <summary>Why a pod does not run here, in kubelet's words; null when it may.</summary>
    public static string? Refusal(Pod pod)
    {
        foreach (var sysctl in pod.Spec.SecurityContext.Sysctls)
        {
            var name = SysctlNames.Dotted(sysctl.Name);
            if (!s_safe.Contains(name))
            {
                return $"forbidden sysctl: \"{name}\" not allowlisted";
            }
        }
        return null;
    }
}
