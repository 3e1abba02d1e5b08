using Serval.Node.Processes;

namespace Serval.Node.Tests;

/// <summary>What this process must be allowed to do for some tests.</summary>
internal static class Privileged
{
    /// <summary>Whether containers can have views and users of their own.</summary>
    internal static bool Allowed { get; } = Capabilities.HasSysAdmin() && Capabilities.HasUsers();

    /// <summary>Why not; null when they can.</summary>
    internal static string? Refusal { get; } = Allowed ? null : "containers get no file system or user of their own here: root with all capabilities is needed";
}

/// <summary>A test of containers with views or users of their own. Skipped, saying why, where the machine does not allow that.</summary>
internal sealed class PrivilegedFactAttribute : FactAttribute
{
    public PrivilegedFactAttribute() => Skip = Privileged.Refusal;
}

/// <summary>As <see cref="PrivilegedFactAttribute"/>, for several cases.</summary>
internal sealed class PrivilegedTheoryAttribute : TheoryAttribute
{
    public PrivilegedTheoryAttribute() => Skip = Privileged.Refusal;
}
