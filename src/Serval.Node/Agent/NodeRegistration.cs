using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Containers;

namespace Serval.Node.Agent;

/// <summary>The Node object of this machine.</summary>
internal static class NodeRegistration
{
    /// <summary>As often as a kubelet tries (kubernetes pkg/kubelet, nodeStatusUpdateRetry).</summary>
    private const int MostAttempts = 5;

    // What the node lifecycle controller says for a kubelet that is silent; a node of Serval does not speak of them.
    private static readonly string[] s_kubelets = ["MemoryPressure", "DiskPressure", "PIDPressure"];

    private static string Arch => RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";

    /// <summary>Creates the Node, or brings its labels and status up to date.</summary>
    public static async Task RegisterAsync(
        IKubeClient client, string name, string address, string dataDirectory, IEnumerable<NodeCondition> conditions, TimeProvider time, CancellationToken ct)
    {
        var options = WriteOptions.By(NodeServices.FieldManager);
        KubeObject known;
        try
        {
            known = await client.CreateAsync(Kinds.Node, KubeObject.From(Node(name)), options, ct);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            var labels = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = Labels(name) } };
            known = await client.PatchAsync(Kinds.Node, ObjectKey.Cluster(name), Merge(labels), options, ct);
        }
        var now = time.GetUtcNow();
        await PatchStatusAsync(client, known, node => Status(name, address, dataDirectory, Conditions(conditions, Present(node), now)), ct);
    }

    /// <summary>Tells where an API server that is not Serval's reaches this node's pods, as a kubelet does (kubernetes pkg/kubelet/nodestatus: NodeAddress, DaemonEndpoints).</summary>
    public static Task TellDoorAsync(IKubeClient client, string name, IPAddress address, int port, string inside, CancellationToken ct)
    {
        var status = new JsonObject
        {
            ["addresses"] = Addresses(name, [.. new[] { address.ToString(), inside }.Distinct()]),
            ["daemonEndpoints"] = new JsonObject { ["kubeletEndpoint"] = new JsonObject { ["Port"] = port } },
        };
        return client.PatchAsync(
            Kinds.Node, ObjectKey.Cluster(name), Merge(new JsonObject { ["status"] = status }), WriteOptions.By(NodeServices.FieldManager) with { Subresource = "status" }, ct);
    }

    /// <summary>Writes the node's conditions again if it is not said to be ready. False: it is, or there is no such Node.</summary>
    public static async Task<bool> RestoreAsync(IKubeClient client, string name, IReadOnlyList<NodeCondition> conditions, TimeProvider time, CancellationToken ct)
    {
        KubeObject known;
        try
        {
            known = await client.GetAsync(Kinds.Node, ObjectKey.Cluster(name), ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
        if (Find(Present(known), "Ready") is { } ready && (string?)ready["status"] == "True")
        {
            return false;
        }
        await PatchStatusAsync(client, known, node => new JsonObject { ["conditions"] = Conditions(conditions, Present(node), time.GetUtcNow()) }, ct);
        return true;
    }

    // A list is written whole: only over the one that was read, or what somebody else added meanwhile would be lost.
    private static async Task PatchStatusAsync(IKubeClient client, KubeObject known, Func<KubeObject, JsonObject> status, CancellationToken ct)
    {
        var options = WriteOptions.By(NodeServices.FieldManager) with { Subresource = "status" };
        for (var attempt = 1; ; attempt++)
        {
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = known.Metadata.ResourceVersion }, ["status"] = status(known) };
            try
            {
                await client.PatchAsync(Kinds.Node, known.Key, Merge(patch), options, ct);
                return;
            }
            catch (ApiException e) when (e.IsConflict && attempt < MostAttempts)
            {
                known = await client.GetAsync(Kinds.Node, known.Key, ct);
            }
        }
    }

    // The first of a type is the one that is used.
    private static JsonArray Addresses(string name, params ReadOnlySpan<string> internals)
    {
        var addresses = new JsonArray();
        foreach (var address in internals)
        {
            addresses.Add(new JsonObject { ["type"] = "InternalIP", ["address"] = address });
        }
        addresses.Add(new JsonObject { ["type"] = "Hostname", ["address"] = name });
        return addresses;
    }

    private static KubePatch Merge(JsonObject patch) => new(PatchType.Merge, CanonicalJson.Serialize(patch));

    private static JsonObject Node(string name) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Node",
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = Labels(name) },
        ["spec"] = new JsonObject(),
    };

    private static JsonObject Labels(string name) => new()
    {
        ["kubernetes.io/hostname"] = name, ["kubernetes.io/os"] = "linux", ["kubernetes.io/arch"] = Arch,
    };

    private static JsonObject Status(string name, string address, string dataDirectory, JsonArray conditions) => new()
    {
        ["capacity"] = Capacity(dataDirectory),
        ["allocatable"] = Capacity(dataDirectory), // Serval sets nothing aside for itself
        ["addresses"] = Addresses(name, address),
        ["conditions"] = conditions,
        ["nodeInfo"] = new JsonObject
        {
            ["operatingSystem"] = "linux", ["architecture"] = Arch, ["kernelVersion"] = KernelVersion(),
            ["osImage"] = RuntimeInformation.OSDescription, ["containerRuntimeVersion"] = "process://1",
            ["kubeletVersion"] = "v1.34.0-serval", ["kubeProxyVersion"] = "", ["machineID"] = "", ["systemUUID"] = "",
            ["bootID"] = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
        },
    };

    /// <summary>The node's own conditions, and after them those that others set. One that says what it said keeps the time since when.</summary>
    private static JsonArray Conditions(IEnumerable<NodeCondition> own, JsonArray present, DateTimeOffset now)
    {
        var said = own.Prepend(new NodeCondition("Ready", true, "NodeAgentReady", "the node agent runs")).Select(c => Condition(c, now)).ToList();
        foreach (var condition in said)
        {
            if (Find(present, (string)condition["type"]!) is { } old && (string?)old["status"] == (string?)condition["status"])
            {
                condition["lastTransitionTime"] = (old["lastTransitionTime"] ?? condition["lastTransitionTime"])?.DeepClone();
            }
        }
        var types = said.Select(c => (string?)c["type"]).ToHashSet();
        var others = present.OfType<JsonObject>().Where(c => !types.Contains((string?)c["type"]) && !(s_kubelets.Contains((string?)c["type"]) && (string?)c["status"] == "Unknown"));
        return [.. said, .. others.Select(c => c.DeepClone())];
    }

    private static JsonArray Present(KubeObject node) => node.ToTree()["status"]?["conditions"] as JsonArray ?? [];

    private static JsonObject? Find(JsonArray conditions, string type) => conditions.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == type);

    private static JsonObject Condition(NodeCondition condition, DateTimeOffset now) => new()
    {
        ["type"] = condition.Type, ["status"] = condition.Holds ? "True" : "False", ["reason"] = condition.Reason, ["message"] = condition.Message,
        ["lastHeartbeatTime"] = PodStatusBuilder.Text(now), ["lastTransitionTime"] = PodStatusBuilder.Text(now),
    };

    private static JsonObject Capacity(string dataDirectory) => new()
    {
        ["cpu"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
        ["memory"] = ((long)ContainerResources.Capacity("memory")!.Value >> 10).ToString(CultureInfo.InvariantCulture) + "Ki",
        ["ephemeral-storage"] = (new DriveInfo(dataDirectory).TotalSize >> 10).ToString(CultureInfo.InvariantCulture) + "Ki",
        ["pods"] = "10000",
    };

    private static string KernelVersion() => File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
}
