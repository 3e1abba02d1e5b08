using Serval.Api;

namespace Serval.Node.Agent;

/// <summary>Where the node agent keeps files. Names beginning with a dot cannot be container names.</summary>
internal sealed class NodePaths(string dataDirectory)
{
    /// <summary>The part of the data directory that is the agent's own.</summary>
    public const string NodePart = "node";

    public string Node { get; } = Path.Combine(Path.GetFullPath(dataDirectory), NodePart);

    public string Pods { get; } = Path.Combine(Path.GetFullPath(dataDirectory), "pods");

    public string Pod(ObjectKey key, string uid) => Path.Combine(Pods, $"{key.Namespace}_{key.Name}_{uid}");

    public static string Volumes(string podDirectory) => Path.Combine(podDirectory, ".volumes");

    /// <summary>What pods find of their accounts.</summary>
    public string Accounts => Path.Combine(Node, "accounts");

    /// <summary>What the views of all containers have in common.</summary>
    public string View => Path.Combine(Node, "view");

    public static string Container(string podDirectory, string container) => Path.Combine(podDirectory, container);

    public static string Log(string podDirectory, string container, int run) => Path.Combine(podDirectory, container, $"{run}.log");

    public static string TerminationMessage(string podDirectory, string container) => Path.Combine(podDirectory, container, ".termination");

    public static string ExecOutput(string podDirectory, string container, string what) => Path.Combine(podDirectory, container, "." + what);
}
