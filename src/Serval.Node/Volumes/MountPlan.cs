namespace Serval.Node.Volumes;

/// <summary>One directory or file shown to a container at another place.</summary>
internal sealed record BindMount(string Source, string Target, bool ReadOnly)
{
    /// <summary>What of the source; empty is all of it. Other containers may write there: it is looked for when it is mounted.</summary>
    public string SubPath { get; init; } = "";

    /// <summary>The mode of the directories that <see cref="SubPath"/> is made of where it is not there; null does not make it.</summary>
    public UnixFileMode? NewMode { get; init; }

    /// <summary>Whether nothing in it can be started; of those that are read-only.</summary>
    public bool NoExecute { get; init; }
}

/// <summary>What a container's private view of the file system holds.</summary>
internal sealed record MountPlan
{
    /// <summary>The image's directory when it becomes the root; null keeps the machine's.</summary>
    public string? ImageRoot { get; init; }

    /// <summary>A directory of this container's own, which holds its writable layer; that is emptied at every start.</summary>
    public required string Scratch { get; init; }

    /// <summary>What all views have in common: a <see cref="ViewBase"/>.</summary>
    public required string Base { get; init; }

    public IReadOnlyList<BindMount> Binds { get; init; } = [];

    /// <summary>With an image as root: whether the program finds it read-only.</summary>
    public bool ReadOnlyRoot { get; init; }

    /// <summary>With an image as root: the container's control group, controller → directory, as it is seen in <c>/sys/fs/cgroup</c>; null shows none.</summary>
    public IReadOnlyDictionary<string, string>? Groups { get; init; }

    /// <summary>Files of <c>/etc</c> that are the container's, whatever an image has there: name → text.</summary>
    public IReadOnlyDictionary<string, string> EtcFiles { get; init; } = new Dictionary<string, string>();

    /// <summary>A descriptor of the pod's mount namespace to start from, or -1 for the machine's.</summary>
    public int BaseNamespace { get; init; } = -1;
}
