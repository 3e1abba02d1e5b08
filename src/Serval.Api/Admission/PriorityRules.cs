using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>PriorityClasses (kubernetes pkg/apis/scheduling/validation), and the number that pods get of them (plugin/pkg/admission/priority).</summary>
public static class PriorityRules
{
    private const long HighestOfUsers = 1_000_000_000;
    private const string Preempts = "PreemptLowerPriority";

    /// <summary>The classes every cluster has: what it cannot do without (pkg/apis/scheduling/v1/helpers.go).</summary>
    public static IEnumerable<KubeObject> System =>
    [
        Class("system-cluster-critical", 2_000_000_000, "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."),
        Class("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved from their current node."),
    ];

    /// <summary>Gives a new pod the number of the class it names, or of the one for all pods. Throws 403 when there is none of that name, or the pod has another number.</summary>
    public static void Admit(JsonObject pod, IReadOnlyList<KubeObject> classes)
    {
        var spec = pod.Object("spec")!;
        var name = spec.String("priorityClassName");
        var chosen = (name.Length > 0 ? classes.FirstOrDefault(c => c.Metadata.Name == name) : ForAll(classes))?.ToTree();
        if (chosen is null && name.Length > 0)
        {
            throw Refused(pod, $"no PriorityClass with name {name} was found");
        }
        var value = chosen.Number("value") ?? 0;
        if (spec.Number("priority") is { } own && own != value)
        {
            throw Refused(pod, $"the integer value of priority ({own}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name");
        }
        var policy = chosen.String("preemptionPolicy") is { Length: > 0 } given ? given : Preempts;
        if (spec.String("preemptionPolicy") is { Length: > 0 } other && other != policy)
        {
            throw Refused(pod, $"the string value of PreemptionPolicy ({other}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name");
        }
        (spec["priority"], spec["preemptionPolicy"]) = (value, policy);
        if (chosen is not null)
        {
            spec["priorityClassName"] = chosen.Object("metadata").String("name");
        }
    }

    /// <summary>Throws 403 when a class would be for all pods and another is.</summary>
    public static void RequireOneForAll(JsonObject tree, bool isNew, IReadOnlyList<KubeObject> classes)
    {
        var name = tree.Object("metadata").String("name");
        if (tree.Bool("globalDefault") == true && ForAll(classes)?.Metadata.Name is { } present && (isNew || present != name))
        {
            throw ApiException.Forbidden(StoredKinds.PriorityClass, name, $"PriorityClass {present} is already marked as default. Only one default can exist");
        }
    }

    internal static void Default(JsonObject tree) => tree.DefaultZero("preemptionPolicy", Preempts);

    internal static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var (name, value) = (tree.Object("metadata").String("name"), tree.Number("value") ?? 0);
        if (System.All(c => c.Metadata.Name != name))
        {
            if (name.StartsWith("system-", StringComparison.Ordinal))
            {
                to.Forbidden("metadata.name", "priority class names with 'system-' prefix are reserved for system use only");
            }
            if (value > HighestOfUsers)
            {
                to.Forbidden("value", $"maximum allowed value of a user defined priority is {HighestOfUsers}");
            }
        }
        to.OneOf(tree, "preemptionPolicy", "", Preempts, "Never");
        if (old is not null && value != (old.Number("value") ?? 0))
        {
            to.Forbidden("value", "may not be changed in an update.");
        }
        if (old is not null && tree.String("preemptionPolicy") != old.String("preemptionPolicy"))
        {
            to.InvalidText("preemptionPolicy", tree.String("preemptionPolicy"), "field is immutable");
        }
    }

    /// <summary>The class of pods that name none. Of several, which were written at once, the lowest.</summary>
    private static KubeObject? ForAll(IReadOnlyList<KubeObject> classes) => classes.Where(c => c.Member("globalDefault").Span.SequenceEqual("true"u8))
        .OrderBy(c => c.ToTree().Number("value") ?? 0).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();

    private static ApiException Refused(JsonObject pod, string why) => ApiException.Forbidden(Kinds.Pod, pod.Object("metadata").String("name"), why);

    private static KubeObject Class(string name, int value, string description) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = StoredKinds.PriorityClass.ApiVersion, ["kind"] = StoredKinds.PriorityClass.Kind, ["metadata"] = new JsonObject { ["name"] = name },
        ["value"] = value, ["description"] = description, ["preemptionPolicy"] = Preempts,
    });
}
