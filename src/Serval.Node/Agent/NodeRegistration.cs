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
    private static string Arch => RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";

    /// <summary>Creates the Node, or brings its labels and status up to date.</summary>
    public static async Task RegisterAsync(
        IKubeClient client, string name, string address, string dataDirectory, IEnumerable<NodeCondition> conditions, TimeProvider time, CancellationToken ct)
    {
        var options = WriteOptions.By(NodeServices.FieldManager);
        try
        {
            await client.CreateAsync(Kinds.Node, KubeObject.From(Node(name)), options, ct);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            var labels = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = Labels(name) } };
            await client.PatchAsync(Kinds.Node, ObjectKey.Cluster(name), Merge(labels), options, ct);
        }
        var status = new JsonObject { ["status"] = Status(name, address, dataDirectory, conditions, time.GetUtcNow()) };
        await client.PatchAsync(Kinds.Node, ObjectKey.Cluster(name), Merge(status), options with { Subresource = "status" }, ct);
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
        JsonArray present;
        try
        {
            present = (await client.GetAsync(Kinds.Node, ObjectKey.Cluster(name), ct)).ToTree()["status"]?["conditions"] as JsonArray ?? [];
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
        if (Find("Ready") is { } ready && (string?)ready["status"] == "True")
        {
            return false;
        }
        var said = Conditions(conditions, time.GetUtcNow());
        foreach (var condition in said.OfType<JsonObject>())
        {
            if (Find((string)condition["type"]!) is { } old && (string?)old["status"] == (string?)condition["status"])
            {
                condition["lastTransitionTime"] = old["lastTransitionTime"]?.DeepClone();
            }
        }
        var patch = new JsonObject { ["status"] = new JsonObject { ["conditions"] = said } };
        await client.PatchAsync(Kinds.Node, ObjectKey.Cluster(name), Merge(patch), WriteOptions.By(NodeServices.FieldManager) with { Subresource = "status" }, ct);
        return true;

        JsonObject? Find(string type) => present.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == type);
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

    private static JsonObject Status(string name, string address, string dataDirectory, IEnumerable<NodeCondition> conditions, DateTimeOffset now) => new()
    {
        ["capacity"] = Capacity(dataDirectory),
        ["allocatable"] = Capacity(dataDirectory), // Serval sets nothing aside for itself
        ["addresses"] = Addresses(name, address),
        ["conditions"] = Conditions(conditions, now),
        ["nodeInfo"] = new JsonObject
        {
            ["operatingSystem"] = "linux", ["architecture"] = Arch, ["kernelVersion"] = KernelVersion(),
            ["osImage"] = RuntimeInformation.OSDescription, ["containerRuntimeVersion"] = "process://1",
            ["kubeletVersion"] = "v1.34.0-serval", ["kubeProxyVersion"] = "", ["machineID"] = "", ["systemUUID"] = "",
            ["bootID"] = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
        },
    };

    private static JsonArray Conditions(IEnumerable<NodeCondition> conditions, DateTimeOffset now) =>
        [.. conditions.Prepend(new NodeCondition("Ready", true, "NodeAgentReady", "the node agent runs")).Select(c => Condition(c, now))];

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
