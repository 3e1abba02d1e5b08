using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.GoText;

namespace Serval.Api.Admission;

/// <summary>APIServices (kubernetes staging/src/k8s.io/kube-aggregator: apis/apiregistration/validation, registry/apiservice/strategy.go).</summary>
public static class ApiServiceRules
{
    private const int HighestGroup = 20000;
    private const int HighestVersion = 1000;

    /// <summary>What one that names a Service says of itself, and its writer hears.</summary>
    private const string NotAsked = "Serval does not ask other API servers: requests for this group and version are not passed on";

    /// <summary>Says whether it is available: what this server would serve itself is, what a Service would serve is not. A condition that stays keeps its time.</summary>
    /// <param name="tree">The object; its status is written.</param>
    /// <param name="before">The stored object; null for a new one.</param>
    /// <param name="now">The time of a condition that changes.</param>
    public static void SetStatus(JsonObject tree, JsonObject? before, DateTimeOffset now)
    {
        var local = tree.Object("spec").Object("service") is null;
        var was = before.Object("status").Objects("conditions").FirstOrDefault(c => c.Item.String("type") == "Available").Item;
        if (before is not null && local == (before.Object("spec").Object("service") is null))
        {
            return;
        }
        var status = local ? "True" : "False";
        var others = tree.Object("status").Objects("conditions").Where(c => c.Item.String("type") != "Available").Select(c => c.Item.DeepClone());
        tree.Ensure("status")["conditions"] = new JsonArray([.. others, new JsonObject
        {
            ["type"] = "Available",
            ["status"] = status,
            ["lastTransitionTime"] = was.String("status") == status && was.String("lastTransitionTime") is { Length: > 0 } since ? since : KubeTime.Text(now),
            ["reason"] = local ? "Local" : "NotSupported",
            ["message"] = local ? "Local APIServices are always available" : NotAsked,
        }]);
    }

    /// <summary>Tells the writer of one that names a Service.</summary>
    internal static void Warn(JsonObject tree, Action<string> warn)
    {
        if (tree.Object("spec").Object("service") is not null)
        {
            warn(NotAsked);
        }
    }

    internal static void Check(JsonObject tree, Problems to)
    {
        var spec = tree.Object("spec");
        var (group, version) = (spec.String("group"), spec.String("version"));
        if (tree.Object("metadata").String("name") is { Length: > 0 } name && name != $"{version}.{group}")
        {
            to.InvalidText("metadata.name", name, $"must be `spec.version+\".\"+spec.group`: {GoQuote.Quote($"{version}.{group}")}");
        }
        if (group.Length == 0 && version != "v1")
        {
            to.Required("spec.group", "only v1 may have an empty group and it better be legacy kube");
        }
        if (group.Length > 0)
        {
            to.Check("spec.group", group, Names.Subdomain);
        }
        to.Check("spec.version", version, Names.Label1035);
        Priority(spec, "groupPriorityMinimum", HighestGroup, to);
        Priority(spec, "versionPriority", HighestVersion, to);
        Server(spec, to);
    }

    private static void Priority(JsonObject? spec, string field, int highest, Problems to)
    {
        if (spec.Number(field) is var number && number is not > 0 || number > highest)
        {
            to.Invalid($"spec.{field}", $"{number ?? 0}", $"must be positive and less than {highest}");
        }
    }

    private static void Server(JsonObject? spec, Problems to)
    {
        var insecure = spec.Bool("insecureSkipTLSVerify") == true;
        var base64 = spec.String("caBundle");
        var bundle = base64.Length / 4 * 3 - base64.AsSpan().Count('='); // bytes
        if (spec.Object("service") is not { } service)
        {
            if (bundle > 0)
            {
                to.InvalidText("spec.caBundle", $"{bundle} bytes", "local APIServices may not have a caBundle");
            }
            if (insecure)
            {
                to.Invalid("spec.insecureSkipTLSVerify", "true", "local APIServices may not have insecureSkipTLSVerify");
            }
            return;
        }
        to.Need(service, "namespace", "spec.service");
        to.Need(service, "name", "spec.service");
        if (Names.PortNumber(service.Number("port") ?? 0) is { } wrong)
        {
            to.Invalid("spec.service.port", $"{service.Number("port") ?? 0}", $"port is not valid: {wrong}");
        }
        if (insecure && bundle > 0)
        {
            to.Invalid("spec.insecureSkipTLSVerify", "true", "may not be true if caBundle is present");
        }
    }
}
