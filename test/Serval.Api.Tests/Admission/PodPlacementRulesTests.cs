using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Affinity and spreading of pods, in the words of kube-apiserver 1.36.2.</summary>
public sealed class PodPlacementRulesTests
{
    private const string Required = "requiredDuringSchedulingIgnoredDuringExecution";
    private const string Preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    private const string Terms = $"spec.affinity.nodeAffinity.{Required}.nodeSelectorTerms";
    private const string Pods = $"spec.affinity.podAffinity.{Required}[0]";
    private const string Spread = "spec.topologySpreadConstraints";

    public static TheoryData<string, string> Bad => new()
    {
        { $"{Terms} = []", $"{Terms}: Required value: must have at least one node selector term" },
        { Expression("""{"key":"k","operator":"In"}"""), $"{Terms}[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'" },
        { Expression("""{"key":"k","operator":"Exists","values":["a"]}"""), $"{Terms}[0].matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'" },
        { Expression("""{"key":"k","operator":"Gt","values":["1","2"]}"""), $"{Terms}[0].matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'" },
        { Expression("""{"key":"k","operator":"Lt"}"""), "must be specified single value when `operator` is 'Lt' or 'Gt'" },
        { Expression("""{"key":"k","operator":"Foo"}"""), $"{Terms}[0].matchExpressions[0].operator: Invalid value: \"Foo\": not a valid selector operator" },
        { Expression("""{"key":"","operator":"Exists"}"""), $"[{Terms}[0].matchExpressions[0].key: Invalid value: \"\": name part must be non-empty, {Terms}[0].matchExpressions[0].key: Invalid value: \"\": name part must consist of" },
        { Expression("""{"key":"k","operator":"In","values":["a","b c"]}"""), $"{Terms}[0].matchExpressions[0].values[1]: Invalid value: \"b c\": a valid label must be an empty string or" },
        { Fields("""{"key":"foo","operator":"In","values":["a"]}"""), $"{Terms}[0].matchFields[0].key: Invalid value: \"foo\": not a valid field selector key" },
        { Fields("""{"key":"metadata.name","operator":"In","values":["a","b"]}"""), $"{Terms}[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector" },
        { Fields("""{"key":"metadata.name","operator":"Gt","values":["1"]}"""), $"{Terms}[0].matchFields[0].operator: Invalid value: \"Gt\": not a valid selector operator" },
        { Fields("""{"key":"metadata.name","operator":"In","values":["A_"]}"""), $"{Terms}[0].matchFields[0].values[0]: Invalid value: \"A_\": a lowercase RFC 1123 subdomain" },
        { $"spec.affinity.nodeAffinity.{Preferred} = [{{\"preference\":{{}}}}]", $"spec.affinity.nodeAffinity.{Preferred}[0].weight: Invalid value: 0: must be in the range 1-100" },
        { $"spec.affinity.nodeAffinity.{Preferred} = [{{\"weight\":1,\"preference\":{{\"matchExpressions\":[{{\"key\":\"k\"}}]}}}}]", $"{Preferred}[0].preference.matchExpressions[0].operator: Invalid value: \"\": not a valid selector operator" },
        { $"spec.affinity.podAntiAffinity.{Preferred} = [{{\"weight\":101,\"podAffinityTerm\":{{\"topologyKey\":\"k\"}}}}]", $"spec.affinity.podAntiAffinity.{Preferred}[0].weight: Invalid value: 101: must be in the range 1-100" },
        { $"spec.affinity.podAntiAffinity.{Preferred} = [{{\"weight\":1,\"podAffinityTerm\":{{\"topologyKey\":\"a b\"}}}}]", $"spec.affinity.podAntiAffinity.{Preferred}[0].podAffinityTerm.topologyKey: Invalid value: \"a b\": name part must consist of" },
        { Term("{}"), $"[{Pods}.topologyKey: Required value: can not be empty, {Pods}.topologyKey: Invalid value: \"\": name part must be non-empty" },
        { Term("""{"topologyKey":"k","labelSelector":{"matchLabels":{"a b":"c"}}}"""), $"{Pods}.labelSelector.matchLabels: Invalid value: \"a b\": name part must consist of" },
        { Term("""{"topologyKey":"k","labelSelector":{"matchExpressions":[{"key":"a","operator":"In","values":["b c"]}]}}"""), $"{Pods}.labelSelector.matchExpressions[0].values[0]: Invalid value: \"b c\": a valid label" },
        { Term("""{"topologyKey":"k","namespaceSelector":{"matchExpressions":[{"key":"a","operator":"Gt"}]}}"""), $"{Pods}.namespaceSelector.matchExpressions[0].operator: Invalid value: \"Gt\": not a valid selector operator" },
        { Term("""{"topologyKey":"k","namespaces":["A"]}"""), $"{Pods}.namespace: Invalid value: \"A\": a lowercase RFC 1123 label" },
        { Term("""{"topologyKey":"k","matchLabelKeys":["a"],"mismatchLabelKeys":["b"]}"""), $"[{Pods}.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set, {Pods}.mismatchLabelKeys: Forbidden: must not be specified when labelSelector is not set]" },
        { Term("""{"topologyKey":"k","labelSelector":{},"matchLabelKeys":["a b"]}"""), $"{Pods}.matchLabelKeys[0]: Invalid value: \"a b\": name part must consist of" },
        { Term("""{"topologyKey":"k","labelSelector":{},"matchLabelKeys":["a"],"mismatchLabelKeys":["a"]}"""), $"{Pods}.matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and mismatchLabelKeys" },
        { Term("""{"topologyKey":"k","labelSelector":{"matchLabels":{"app":"x"}},"matchLabelKeys":["z","app"]}"""), $"{Pods}[1]: Invalid value: \"app\": exists in both matchLabelKeys and labelSelector" },
        { $"{Spread} = [{{}}]", $"[{Spread}[0].maxSkew: Invalid value: 0: must be greater than zero, {Spread}[0].topologyKey: Required value: can not be empty, {Spread}[0].whenUnsatisfiable: Unsupported value: \"\": supported values: \"DoNotSchedule\", \"ScheduleAnyway\"]" },
        { Constraint(",\"minDomains\":0"), $"{Spread}[0].minDomains: Invalid value: 0: must be greater than zero" },
        { Constraint(",\"minDomains\":2", "ScheduleAnyway"), $"{Spread}[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway" },
        { Constraint(",\"nodeAffinityPolicy\":\"Foo\",\"nodeTaintsPolicy\":\"\""), $"[{Spread}[0].nodeAffinityPolicy: Unsupported value: \"Foo\": supported values: \"Honor\", \"Ignore\", {Spread}[0].nodeTaintsPolicy: Unsupported value: \"\": supported values: \"Honor\", \"Ignore\"]" },
        { Constraint("},{\"maxSkew\":2,\"topologyKey\":\"k\",\"whenUnsatisfiable\":\"DoNotSchedule\""), $"{Spread}[0].{{topologyKey, whenUnsatisfiable}}: Duplicate value: \"{{k, DoNotSchedule}}\"" },
        { Constraint(",\"labelSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}"), $"{Spread}[0].labelSelector.matchExpressions[0].values: Required value: must be specified when" },
        { Constraint(",\"matchLabelKeys\":[\"app\"]"), $"{Spread}[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set" },
        { Constraint(",\"matchLabelKeys\":[\"app\"],\"labelSelector\":{\"matchLabels\":{\"app\":\"x\"}}"), $"{Spread}[0][0]: Invalid value: \"app\": exists in both matchLabelKeys and labelSelector" },
        { "spec.schedulingGates = [{\"name\":\"a/b\"}]\nspec.nodeName = \"n\"", "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Pod_BadPlace_IsInvalid(string edits, string expected)
    {
        var (_, errors) = Create(edits);
        Assert.Contains(expected, Validation.ToException(Kinds.Pod, "p", errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spec.affinity = {}")]
    [InlineData("spec.affinity = {\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{},{\"matchExpressions\":[{\"key\":\"a/b\",\"operator\":\"Gt\",\"values\":[\"5\"]},{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"\"]}]}]}}}")]
    [InlineData("spec.affinity = {\"nodeAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":100,\"preference\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b c\"]}]}}]}}")]
    [InlineData("spec.affinity = {\"podAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"k\",\"namespaces\":[\"n\"],\"namespaceSelector\":{},\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"mismatchLabelKeys\":[\"a\"]}]}}")]
    [InlineData("spec.topologySpreadConstraints = [{\"maxSkew\":1,\"topologyKey\":\"a b\",\"whenUnsatisfiable\":\"DoNotSchedule\",\"minDomains\":1,\"nodeTaintsPolicy\":\"Honor\"},{\"maxSkew\":1,\"topologyKey\":\"a b\",\"whenUnsatisfiable\":\"ScheduleAnyway\"}]")]
    public void Pod_GoodPlace_Passes(string edits) => Assert.Empty(Create(edits).Errors);

    /// <summary>The pod's own labels become requirements, once: when it is made.</summary>
    [Fact]
    public void LabelKeys_OfAPod_AreRequirementsOfItsSelectors()
    {
        const string Keys = "\"labelSelector\":{\"matchLabels\":{\"x\":\"y\"}},\"matchLabelKeys\":[\"app\",\"none\"]";
        var (pod, errors) = Create($"spec.affinity.podAntiAffinity.{Preferred} = [{{\"weight\":1,\"podAffinityTerm\":{{\"topologyKey\":\"k\",\"mismatchLabelKeys\":[\"t\"],{Keys}}}}}]\n{Constraint("," + Keys)}");
        Assert.Empty(errors);
        const string App = """{"key":"app","operator":"In","values":["p"]}""";
        var term = pod["spec"]!["affinity"]!["podAntiAffinity"]![Preferred]![0]!["podAffinityTerm"]!["labelSelector"]!["matchExpressions"]!;
        Assert.Equal($$"""[{{App}},{"key":"t","operator":"NotIn","values":["1"]}]""", term.ToJsonString());
        Assert.Equal($"[{App}]", pod["spec"]!["topologySpreadConstraints"]![0]!["labelSelector"]!["matchExpressions"]!.ToJsonString());
        var again = pod.DeepClone().AsObject().Edit("metadata.labels.more = \"1\"").Defaulted(Kinds.Pod, new AdmissionContext { Operation = AdmissionOperation.Update }, pod);
        Assert.True(JsonNode.DeepEquals(pod["spec"], again["spec"]));
    }

    /// <summary>A template has no labels of a pod's yet.</summary>
    [Fact]
    public void Template_BadPlaceOrResources_IsInvalid_AndItsLabelKeysStay()
    {
        const string Template = "spec.template.spec";
        var tree = Edits.Parse("""{"metadata":{"name":"w","namespace":"d"},"spec":{"selector":{"matchLabels":{"app":"p"}},"template":{"metadata":{"labels":{"app":"p"}},"spec":{"containers":[{"name":"c","image":"a"}]}}}}""");
        var edits = $"{Template}.topologySpreadConstraints = [{{\"maxSkew\":1,\"topologyKey\":\"k\",\"whenUnsatisfiable\":\"DoNotSchedule\",\"labelSelector\":{{\"matchLabels\":{{\"app\":\"p\"}}}},\"matchLabelKeys\":[\"app\"]}}]";
        var good = tree.DeepClone().AsObject().Edit(edits).Defaulted(Kinds.Deployment, new AdmissionContext());
        Assert.Empty(Validation.Validate(Kinds.Deployment, good, null, new AdmissionContext()));
        Assert.DoesNotContain("matchExpressions", good.ToJsonString(), StringComparison.Ordinal);
        tree.Edit($"{Template}.affinity.nodeAffinity.{Required} = {{}}\n{Template}.containers[0].resources.limits.foo = \"1\"").Defaulted(Kinds.Deployment, new AdmissionContext());
        Assert.Equal(
            [$"{Template}.containers[0].resources.limits[foo]", $"{Template}.containers[0].resources.limits[foo]", $"{Template}.affinity.nodeAffinity.{Required}.nodeSelectorTerms"],
            Validation.Validate(Kinds.Deployment, tree, null, new AdmissionContext()).Select(e => e.Field));
    }

    private static string Expression(string requirement) => $"{Terms} = [{{\"matchExpressions\":[{requirement}]}}]";

    private static string Fields(string requirement) => $"{Terms} = [{{\"matchFields\":[{requirement}]}}]";

    private static string Term(string term) => $"spec.affinity.podAffinity.{Required} = [{term}]";

    private static string Constraint(string more, string otherwise = "DoNotSchedule") =>
        $"{Spread} = [{{\"maxSkew\":1,\"topologyKey\":\"k\",\"whenUnsatisfiable\":\"{otherwise}\"{more}}}]";

    private static (JsonObject Pod, IReadOnlyList<FieldError> Errors) Create(string edits)
    {
        var ctx = new AdmissionContext();
        var tree = Edits.Parse("""{"metadata":{"name":"p","namespace":"d","labels":{"app":"p","t":"1"}},"spec":{"containers":[{"name":"c","image":"a"}]}}""").Edit(edits).Defaulted(Kinds.Pod, ctx);
        return (tree, Validation.Validate(Kinds.Pod, tree, null, ctx));
    }
}
