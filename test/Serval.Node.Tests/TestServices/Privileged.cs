using Serval.Node.Processes;

namespace Serval.Node.Tests;

/// <summary>What this process must be allowed to do for some tests.</summary>
internal static class Privileged
{
    /// <summary>Whether containers can have users of their own.</summary>
    internal static bool Users { get; } = Capabilities.HasSysAdmin() && Capabilities.HasUsers();

    /// <summary>Why a test that needs views, or users too, cannot run; null when it can.</summary>
    internal static string? Refusal(bool users) =>
        !Capabilities.HasSysAdmin() ? "containers get no view of the file system of their own here: CAP_SYS_ADMIN is needed"
        : users && !Users ? "containers get no user of their own here: root with all capabilities is needed"
        : null;
}

/// <summary>A test of containers with views of their own, or users too. Skipped, saying why, where the machine does not allow that.</summary>
internal sealed class PrivilegedFactAttribute : FactAttribute
{
    public PrivilegedFactAttribute(bool users = false) => Skip = Privileged.Refusal(users);
}

/// <summary>As <see cref="PrivilegedFactAttribute"/>, for several cases.</summary>
internal sealed class PrivilegedTheoryAttribute : TheoryAttribute
{
    public PrivilegedTheoryAttribute(bool users = false) => Skip = Privileged.Refusal(users);
}
