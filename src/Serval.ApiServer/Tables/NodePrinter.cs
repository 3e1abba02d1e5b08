using System.Text.Json;

namespace Serval.ApiServer.Tables;

internal static class NodePrinter
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static readonly TableLayout Layout = new(
        [
            TableLayout.Name, new("Status"), new("Roles"), TableLayout.Age, new("Version"),
            new("Internal-IP", Priority: 1), new("External-IP", Priority: 1), new("OS-Image", Priority: 1),
            new("Kernel-Version", Priority: 1), new("Container-Runtime", Priority: 1),
        ],
        Print);

    private static void Print(JsonElement node, DateTimeOffset now, List<object?> cells)
    {
        cells.Add(node.Text("metadata", "name"));
        cells.Add(Status(node));
        cells.Add(Roles(node));
        cells.Add(TableLayout.AgeOf(node, now));
        cells.Add(Info(node, "kubeletVersion", ""));
        cells.Add(Address(node, "InternalIP"));
        cells.Add(Address(node, "ExternalIP"));
        cells.Add(Info(node, "osImage", "<unknown>"));
        cells.Add(Info(node, "kernelVersion", "<unknown>"));
        cells.Add(Info(node, "containerRuntimeVersion", "<unknown>"));
    }

    private static string Status(JsonElement node)
    {
        var ready = node.Items("status", "conditions").FirstOrDefault(c => c.Text("type") == "Ready").Text("status");
        var status = ready switch { "True" => "Ready", "" => "Unknown", _ => "NotReady" };
        return node.Flag("spec", "unschedulable") ? status + ",SchedulingDisabled" : status;
    }

    private static string Roles(JsonElement node)
    {
        var roles = node.Entries("metadata", "labels")
            .Select(l => l.Name.StartsWith(RolePrefix, StringComparison.Ordinal) ? l.Name[RolePrefix.Length..]
                : l.Name == "kubernetes.io/role" ? l.Value.Text() : "")
            .Where(r => r.Length > 0).Distinct().Order(StringComparer.Ordinal);
        return string.Join(",", roles).OrNone();
    }

    private static string Info(JsonElement node, string field, string absent) =>
        node.Text("status", "nodeInfo", field) is { Length: > 0 } value ? value : absent;

    private static string Address(JsonElement node, string type) =>
        node.Items("status", "addresses").FirstOrDefault(a => a.Text("type") == type).Text("address").OrNone();
}
