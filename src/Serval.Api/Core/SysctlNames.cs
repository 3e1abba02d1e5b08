namespace Serval.Api.Core;

/// <summary>Names of parameters of the kernel, and whose they are (kubernetes staging/src/k8s.io/component-helpers/node/util/sysctl/namespace.go).</summary>
public static class SysctlNames
{
    private static readonly string[] s_ipc =
    [
        "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.shm", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg",
    ];

    /// <summary>The field of a pod that takes it the namespace the parameter is of, <c>hostNetwork</c> or <c>hostIPC</c>; empty when it is of none that pods have.</summary>
    /// <param name="name">With dots or slashes.</param>
    public static string Namespace(string name)
    {
        var dotted = Dotted(name);
        return dotted.StartsWith("net.", StringComparison.Ordinal) ? "hostNetwork"
            : dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal) || s_ipc.Contains(dotted) ? "hostIPC" : "";
    }

    /// <summary>The name with dots between its segments. One whose first separator is a slash has slashes there, and dots inside segments, which become slashes.</summary>
    public static string Dotted(string name)
    {
        var first = name.AsSpan().IndexOfAny('.', '/');
        return first < 0 || name[first] == '.' ? name : string.Create(name.Length, name, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
            {
                to[i] = from[i] switch { '/' => '.', '.' => '/', var other => other };
            }
        });
    }
}
