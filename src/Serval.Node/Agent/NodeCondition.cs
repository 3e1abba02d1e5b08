namespace Serval.Node.Agent;

/// <summary>What this machine lets the agent do, for the Node object.</summary>
/// <param name="Type">Of the condition.</param>
/// <param name="Holds">Whether it does.</param>
/// <param name="Reason">One word.</param>
/// <param name="Message">In words.</param>
internal sealed record NodeCondition(string Type, bool Holds, string Reason, string Message)
{
    /// <summary>Whether containers use no more than their limits; a reason says why not.</summary>
    public static NodeCondition Limits(string reason) => reason.Length == 0
        ? new("ResourceLimits", true, "ControlGroups", "containers use no more cpu and memory than resources.limits, and share cpu by resources.requests")
        : new("ResourceLimits", false, "NotEnforced", $"{reason}; run Serval as root to have resources limited");

    /// <summary>Whether addresses of Services lead to what is behind them; a reason says why not.</summary>
    public static NodeCondition Services(string reason) => reason.Length == 0
        ? new("ServiceNetwork", true, "Routed", "pods and programs of this machine reach Services at their ClusterIPs, by TCP")
        : new("ServiceNetwork", false, "NotRouted", $"this node routes no ClusterIPs: {reason}; names of Services give the addresses of pods");

    /// <summary>Whether containers see no more than they should.</summary>
    public static NodeCondition View(bool mounts) => mounts
        ? new("ContainerView", true, "OwnRoot", "a program of an image has the image as its root, and devices, /proc, /sys and a host name of its own")
        : new("ContainerView", false, "MachineView", "Serval lacks CAP_SYS_ADMIN: programs see the machine's files, and volumes cannot be mounted; run it as root for that");
}
