using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>What may change, and who is recorded for it.</summary>
public sealed class UpdateRulesTests
{
    private const string Service = """
        {"metadata":{"name":"hello","namespace":"default"},"spec":{"template":{"metadata":{"name":"hello-v1"},"spec":{"containers":[{"image":"a"}]}}}}
        """;

    private static readonly AdmissionContext s_create = new() { User = "ann" };
    private static readonly AdmissionContext s_update = new() { User = "bob", Operation = AdmissionOperation.Update };

    [Fact]
    public void Service_ChangedUnderTheSameName_IsRefusedWithTheChange()
    {
        var old = Edits.Parse(Service).Defaulted(Kinds.KService, s_create);
        var errors = Change(Kinds.KService, old, "spec.template.spec.containers[0].image = \"b\"");
        Assert.Equal("Saw the following changes without a name change (-old +new): spec.template.metadata.name\nspec.containers[0].image:\n\t-: \"a\"\n\t+: \"b\"\n",
            Validation.Describe(errors));
        Assert.Empty(Change(Kinds.KService, old, "spec.template.spec.containers[0].image = \"b\"\nspec.template.metadata.name = \"hello-v2\""));
        Assert.Empty(Change(Kinds.KService, old, "metadata.labels.x = \"y\""));
    }

    /// <summary>A Secret that was stored before its type demanded something can still be labelled.</summary>
    [Theory]
    [InlineData("metadata.labels.x = \"y\"", "")]
    [InlineData("data.other = \"eA==\"", "Required value: data[tls.key]")]
    public void Secret_ThatLacksWhatItsTypeDemands_IsJudgedWhenItsDataChange(string edit, string wrong)
    {
        var old = Edits.Parse("""{"metadata":{"name":"s","namespace":"d"},"type":"kubernetes.io/tls","data":{"tls.crt":"eA=="}}""");
        Assert.Equal(wrong, Validation.Describe(Change(Kinds.Secret, old, edit)));
    }

    [Fact]
    public void Service_Creator_IsImmutable()
    {
        var old = Edits.Parse(Service).Defaulted(Kinds.KService, s_create);
        var errors = Change(Kinds.KService, old, "metadata.annotations['serving.knative.dev/creator'] = \"eve\"");
        Assert.Equal("annotation value is immutable: metadata.annotations.serving.knative.dev/creator", Validation.Describe(errors));
        errors = Change(Kinds.KService, old, "metadata.annotations['serving.knative.dev/lastModifier'] = \"eve\"");
        Assert.Equal("invalid value: eve: metadata.annotations.serving.knative.dev/lastModifier", Validation.Describe(errors));
    }

    [Theory]
    [InlineData("Configuration", """{"template":{"spec":{"containers":[{"image":"a"}]}}}""")]
    [InlineData("Route", """{"traffic":[{"percent":100,"configurationName":"c"}]}""")]
    public void OfItsOwn_CreatorIsImmutable_ButNotAServices(string name, string spec)
    {
        var kind = Kinds.All.First(k => k.Kind == name && k.IsCustom);
        var old = Edits.Parse($$$"""{"metadata":{"name":"x","namespace":"d"},"spec":{{{spec}}}}""").Defaulted(kind, s_create);
        var errors = Change(kind, old, "metadata.annotations['serving.knative.dev/creator'] = \"eve\"");
        Assert.Equal("annotation value is immutable: metadata.annotations.serving.knative.dev/creator", Validation.Describe(errors));
        old["metadata"]!["ownerReferences"] = JsonNode.Parse("""[{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"x","uid":"u"}]""");
        Assert.Empty(Change(kind, old, "metadata.annotations['serving.knative.dev/creator'] = \"eve\""));
    }

    [Fact]
    public void Service_Users_AreStampedOnCreateAndOnChangeOfTheSpec()
    {
        var old = Edits.Parse(Service).Defaulted(Kinds.KService, s_create);
        Assert.Equal("ann", (string?)old["metadata"]!["annotations"]!["serving.knative.dev/creator"]);
        var same = ((JsonObject)old.DeepClone()).Edit("metadata.labels.x = \"y\"").Defaulted(Kinds.KService, s_update, old);
        Assert.Equal("ann", (string?)same["metadata"]!["annotations"]!["serving.knative.dev/lastModifier"]);
        var changed = ((JsonObject)old.DeepClone()).Edit("spec.traffic[0].tag = \"t\"").Defaulted(Kinds.KService, s_update, old);
        Assert.Equal("bob", (string?)changed["metadata"]!["annotations"]!["serving.knative.dev/lastModifier"]);
        Assert.Equal("ann", (string?)changed["metadata"]!["annotations"]!["serving.knative.dev/creator"]);
    }

    [Fact]
    public void Revision_Spec_IsImmutable()
    {
        var old = Edits.Parse("""{"metadata":{"name":"r","namespace":"d"},"spec":{"containers":[{"image":"a","resources":{"limits":{"cpu":"1000m"}}}]}}""")
            .Defaulted(Kinds.Revision, s_create);
        var errors = Change(Kinds.Revision, old, "spec.containerConcurrency = 5");
        Assert.StartsWith("Immutable fields changed (-old +new): spec\ncontainerConcurrency:\n\t-: \"0\"\n\t+: \"5\"", Validation.Describe(errors), StringComparison.Ordinal);
        Assert.Empty(Change(Kinds.Revision, old, "spec.containers[0].resources.limits.cpu = \"1\""));
        Assert.Empty(Change(Kinds.Revision, old, "metadata.annotations.x = \"y\""));
    }

    [Fact]
    public void Revision_LabelWithoutOwner_IsRefused()
    {
        var tree = Edits.Parse("""{"metadata":{"name":"r","namespace":"d","labels":{"serving.knative.dev/configuration":"c"}},"spec":{"containers":[{"image":"a"}]}}""");
        var errors = Validation.Validate(Kinds.Revision, tree, null, s_create);
        Assert.Equal("missing field(s): metadata.labels.serving.knative.dev/configuration", Validation.Describe(errors));
    }

    [Theory]
    [InlineData("""[{"percent":100}]""", "expected exactly one, got neither: spec.traffic[0].configurationName, spec.traffic[0].revisionName")]
    [InlineData("""[{"percent":100,"configurationName":"c","revisionName":"r"}]""", "expected exactly one, got both: spec.traffic[0].configurationName, spec.traffic[0].revisionName")]
    [InlineData("[]", "Traffic targets sum to 0, want 100: spec.traffic")]
    public void Route_Traffic_NamesItsTarget(string traffic, string expected)
    {
        var tree = Edits.Parse("""{"metadata":{"name":"r","namespace":"d"},"spec":{}}""").Edit($"spec.traffic = {traffic}").Defaulted(Kinds.Route, s_create);
        Assert.Equal(expected, Validation.Describe(Validation.Validate(Kinds.Route, tree, null, s_create)));
    }

    [Fact]
    public void Status_BadSpec_IsNotLookedAt()
    {
        var tree = Edits.Parse("""{"metadata":{"name":"hello","namespace":"d"},"spec":{}}""");
        Assert.Empty(Validation.Validate(Kinds.KService, tree, tree, s_update with { Subresource = "status" }));
        Assert.NotEmpty(Validation.Validate(Kinds.KService, tree, tree, s_update));
    }

    [Fact]
    public void Deleting_BadSpec_MayStillLoseItsFinalizer()
    {
        var tree = Edits.Parse("""{"metadata":{"name":"hello","namespace":"d","deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{}}""");
        Assert.Empty(Validation.Validate(Kinds.KService, tree, tree, s_update));
    }

    [Theory]
    [InlineData("spec.containers[0].image = \"b\"", true)]
    [InlineData("spec.activeDeadlineSeconds = 5", true)]
    [InlineData("spec.nodeName = \"n1\"", true)]
    [InlineData("spec.containers[0].command = [\"x\"]", false)]
    [InlineData("spec.restartPolicy = \"Never\"", false)]
    public void Pod_Update_OnlySomeFields(string edits, bool allowed)
    {
        var old = Edits.Parse("""{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":"a:1"}]}}""").Defaulted(Kinds.Pod, s_create);
        var errors = Change(Kinds.Pod, old, edits);
        Assert.Equal(allowed, errors.Count == 0);
        Assert.All(errors, e => Assert.StartsWith("Forbidden: pod updates may not change fields other than", e.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(PodDoors.Ephemeral, true)]
    public void Pod_Update_EphemeralContainers_HaveADoorOfTheirOwn(string subresource, bool allowed)
    {
        var old = Edits.Parse("""{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":"a:1"}]}}""").Defaulted(Kinds.Pod, s_create);
        var tree = ((JsonObject)old.DeepClone()).Edit("spec.ephemeralContainers = [{\"name\":\"queue-proxy\",\"image\":\"serval\"}]");
        Assert.Equal(allowed, Validation.Validate(Kinds.Pod, tree, old, s_update with { Subresource = subresource }).Count == 0);
    }

    /// <summary>Stored before a rule or a default was there: what is left as it is must not forbid the rest.</summary>
    public static TheoryData<string, string, string, string> StoredBefore => new()
    {
        { "pods", """{"metadata":{"name":"p","namespace":"d","finalizers":["wait"]},"spec":{"containers":[{"name":"c","image":"a:1"}]}}""", "status.phase = \"Running\"", "status" },
        { "pods", """{"metadata":{"name":"p","namespace":"d","deletionTimestamp":"2026-01-01T00:00:00Z","finalizers":["wait","a/b"]},"spec":{"containers":[{"name":"c","image":"a:1"}]}}""", "metadata.finalizers = [\"wait\"]", "" },
        { "configmaps", """{"metadata":{"name":"c","namespace":"d","finalizers":["wait"]}}""", "data.k = \"v\"", "" },
        { "configmaps", """{"metadata":{"name":"c","namespace":"d","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p"}]}}""", "data.k = \"v\"", "" },
        { "configmaps", """{"metadata":{"name":"c","namespace":"d","labels":{"a b":"c"},"annotations":{"a b":"c"}}}""", "data.k = \"v\"", "" },
        { "pods", OldPod, "metadata.labels.a = \"b\"", "" },
        { "pods", OldPod, "spec.nodeName = \"n1\"", "" },
        { "pods", """{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":" a:1"}]}}""", "spec.nodeName = \"n1\"", "" },
        { "pods", LoosePod, "metadata.labels.a = \"b\"", "" },
        { "pods", LoosePod, "spec.nodeName = \"n1\"", "" },
        { "pods", LoosePod, "spec.containers[0].image = \"a:2\"", "" },
        { "pods", LoosePod, "status.phase = \"Running\"", "status" },
        { "pods", LoosePod, "spec.ephemeralContainers = [{\"name\":\"e\",\"image\":\"a\",\"terminationMessagePolicy\":\"File\"}]", PodDoors.Ephemeral },
        { "persistentvolumeclaims", """{"metadata":{"name":"c","namespace":"d"},"spec":{"resources":{"requests":{"storage":"0"}},"storageClassName":"a b"}}""", "spec.volumeName = \"v\"", "" },
        { "persistentvolumeclaims", """{"metadata":{"name":"c","namespace":"d"}}""", "spec.volumeName = \"v\"", "" },
        { "namespaces", """{"metadata":{"name":"n"},"spec":{"finalizers":["odd"]},"status":{"phase":"Odd"}}""", "metadata.labels.a = \"b\"", "" },
        { "namespaces", """{"metadata":{"name":"n"},"spec":{"finalizers":["odd"]},"status":{"phase":"Odd"}}""", "status.conditions = []", "status" },
        { "namespaces", """{"metadata":{"name":"n","deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{"finalizers":["odd","kubernetes"]},"status":{"phase":"Terminating"}}""", "spec.finalizers = [\"odd\"]", "finalize" },
        { "jobs", $$$"""{"metadata":{"name":"j","namespace":"d","uid":"u"},"spec":{{{OldJob}}}}""", "spec.suspend = true", "" },
        { "deployments", """{"metadata":{"name":"w","namespace":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":" a:1"}]}}}}""", "spec.replicas = 0", "" },
        { "deployments", $$$"""{"metadata":{"name":"w","namespace":"d"},"spec":{"replicas":3,"selector":{"matchExpressions":[{"key":"a","operator":"NotIn","values":["b c"]}]},"template":{"metadata":{"labels":{"a":"b"}},"spec":{{{Loose}}}} } }""", "spec.replicas = 0", "" },
        { "replicasets", $$$"""{"metadata":{"name":"w","namespace":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{{{Loose}}}} } }""", "spec.replicas = 5", "" },
    };

    private const string OldPod = """
        {"metadata":{"name":"p","namespace":"d"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"a:1","ports":[{"containerPort":80}],
         "env":[{"name":"E","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}}],"lifecycle":{"preStop":{"httpGet":{"port":80}}}}]}}
        """;

    private const string Loose = """
        {"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}},"topologySpreadConstraints":[{"maxSkew":0}],"resources":{"limits":{"foo":"1"}},
         "containers":[{"name":"c","image":"a:1","resources":{"limits":{"foo":"1","a/b":"500m"},"claims":[{"name":"x"}]},"resizePolicy":[{"resourceName":"x"}]}]}
        """;

    private const string LoosePod = $$"""{"metadata":{"name":"p","namespace":"d"},"spec":{{Loose}}}""";

    private const string OldJob = """
        {"completionMode":"NonIndexed","completions":1,"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"u"}},
         "spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"a:1","env":[{"name":"E","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}}]}]}}}
        """;

    [Theory]
    [MemberData(nameof(StoredBefore))]
    public void StoredBefore_WhatIsLeft_DoesNotForbidTheRest(string plural, string stored, string edits, string subresource)
    {
        var kind = Kinds.All.First(k => k.Plural == plural && !k.IsCustom);
        var (old, asItWas) = (Edits.Parse(stored), Edits.Parse(stored));
        var tree = Edits.Parse(stored).Edit(edits);
        if (subresource.Length == 0 || PodDoors.IsSpec(subresource))
        {
            Defaulting.Apply(kind, tree, old, s_update);
        }
        Assert.Empty(Validation.Validate(kind, tree, old, s_update with { Subresource = subresource }));
        Assert.True(JsonNode.DeepEquals(asItWas, old), "what is stored is only read");
    }

    [Theory]
    [InlineData("""{"type":"ClusterIP","externalTrafficPolicy":"Cluster","ports":[{"port":80,"nodePort":30080}]}""", "externalTrafficPolicy")]
    [InlineData("""{"type":"NodePort","allocateLoadBalancerNodePorts":true,"loadBalancerClass":"a/b","ports":[{"port":80,"nodePort":30080}]}""", "loadBalancerClass")]
    public void Service_WhatItsFormerTypeLeft_IsTakenAway(string spec, string field)
    {
        var old = Edits.Parse($$"""{"metadata":{"name":"s","namespace":"d"},"spec":{{spec}}}""");
        var tree = old.DeepClone().AsObject().Edit("metadata.labels.a = \"b\"").Defaulted(Kinds.Service, s_update, old);
        ClusterIps.Prepare(tree, old);
        Assert.Null(tree["spec"]![field]);
        Assert.Empty(Validation.Validate(Kinds.Service, tree, old, s_update));
    }

    [Theory]
    [InlineData("configmaps", "metadata.finalizers = [\"wait\",\"more\"]")]
    [InlineData("pods", "spec.nodeName = \"no node\"")]
    public void StoredBefore_WhatIsNew_IsJudged(string plural, string edits)
    {
        var old = Edits.Parse("""{"metadata":{"name":"x","namespace":"d","finalizers":["wait"]},"spec":{"containers":[{"name":"c","image":"a:1"}]}}""");
        Assert.Single(Change(Kinds.All.First(k => k.Plural == plural), plural == "pods" ? old : old.Edit("spec = -"), edits));
    }

    [Theory]
    [InlineData("spec.ephemeralContainers = [{\"name\":\"e\",\"image\":\"a\",\"resources\":{\"limits\":{\"pods\":\"1\"}}}]", PodDoors.Ephemeral, "spec.ephemeralContainers[0].resources.limits[pods]")]
    [InlineData("spec.containers[0].resources.limits.cpu = \"1\"", PodDoors.Resize, "spec.containers[0].resources.limits[foo]")]
    [InlineData("spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution = [{}]", "", "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms")]
    [InlineData("spec.topologySpreadConstraints[0].maxSkew = -1", "", "spec.topologySpreadConstraints[0].maxSkew")]
    public void LoosePod_WhatChanged_IsJudged(string edits, string subresource, string expected)
    {
        var old = Edits.Parse(LoosePod);
        var ctx = s_update with { Subresource = subresource };
        var tree = old.DeepClone().AsObject().Edit(edits).Defaulted(Kinds.Pod, ctx, old);
        Assert.Contains(Validation.Validate(Kinds.Pod, tree, old, ctx), e => e.Field == expected);
    }

    /// <summary>A claim's new values are judged, whatever it lacks from before.</summary>
    [Theory]
    [InlineData("spec.accessModes = [\"Odd\"]", "spec.accessModes")]
    [InlineData("spec.resources.requests.storage = \"-1\"", "spec.resources[storage]")]
    public void Claim_WhatChanged_IsJudged(string edits, string expected)
    {
        var old = Edits.Parse("""{"metadata":{"name":"c","namespace":"d"},"spec":{"resources":{"requests":{"storage":"0"}}}}""");
        Assert.Equal(expected, Assert.Single(Change(StoredKinds.PersistentVolumeClaim, old, edits)).Field);
    }

    private static IReadOnlyList<FieldError> Change(ResourceKind kind, JsonObject old, string edits)
    {
        var tree = ((JsonObject)old.DeepClone()).Edit(edits);
        Defaulting.Apply(kind, tree, old, s_update with { User = "" });
        return Validation.Validate(kind, tree, old, s_update);
    }
}
