using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Crds;
using Serval.Api.Fields;
using Serval.Api.Schema;
using Serval.ApiServer.Definitions;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// The steps between a decoded object and the store: system metadata, what a subresource may change, defaulting, validation, generation.
/// (apimachinery: rest.BeforeCreate, rest.BeforeUpdate; each kind's strategy.)
/// </summary>
internal sealed class Admission(IKubeClient client, Func<ServingConfig> config, FieldTracking fields, ServiceAddresses addresses, TimeProvider time)
{
    /// <summary>The subresource by which a pod is given its node; what comes in is the pod that has it.</summary>
    internal const string Binding = "binding";

    /// <summary>The subresource by which the number of wanted replicas changes alone; what comes in is the object that has it.</summary>
    internal const string Scale = "scale";

    /// <summary>The object to store. <see cref="ApiException"/> when it may not be.</summary>
    /// <param name="settle">Sets managedFields where a plain write is not noted; see <see cref="FieldTracking"/>.</param>
    /// <param name="hold">Holds the address that a Service is given.</param>
    internal KubeObject Create(ResourceKind kind, JsonObject tree, WriteOptions options, AddressHold? hold, Action<JsonObject>? settle = null)
    {
        RequireKind(kind, tree);
        var metadata = tree["metadata"] as JsonObject ?? [];
        tree["metadata"] = metadata;
        var name = (string?)metadata["name"] ?? "";
        if ((string?)metadata["resourceVersion"] is { Length: > 0 })
        {
            throw ApiException.BadRequest("resourceVersion should not be set on objects to be created");
        }
        RequireNamespace(kind, metadata, name);
        if (name.Length == 0 && (string?)metadata["generateName"] is { Length: > 0 } prefix)
        {
            metadata["name"] = GeneratedName.Of(prefix);
        }
        foreach (var field in (ReadOnlySpan<string>)["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"])
        {
            metadata.Remove(field);
        }
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = KubeTime.Text(time.GetUtcNow());
        metadata.Remove("generation");
        if (kind.HasGeneration)
        {
            metadata["generation"] = 1;
        }
        if (kind.HasStatus && kind != Kinds.Node)
        {
            tree.Remove("status");
        }
        if (kind == Kinds.CustomResourceDefinition && OwnDefinitions.Find(name) is { } own)
        {
            OwnDefinitions.Complete(own, tree, time.GetUtcNow());
            return KubeObject.From(tree);
        }
        if (kind == StoredKinds.ApiService)
        {
            ApiServiceRules.SetStatus(tree, null, time.GetUtcNow());
        }
        var given = options.Tracked ? GivenFields.Of(kind, tree) : FieldSet.Empty;
        Check(kind, tree, null, options, AdmissionOperation.Create, Note, hold);
        if (kind != Kinds.Service)
        {
            Note();
        }
        if (kind == Kinds.Namespace)
        {
            NamespaceRules.Hold(tree); // nobody's field either
        }
        if (kind == Kinds.Pod)
        {
            // After the writer's fields are noted: what is added here is nobody's.
            AddAccount(kind, name, tree);
            PriorityRules.Admit(tree, client.Cache(StoredKinds.PriorityClass).List());
            PodTolerations.Add(tree);
            tree["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = PodQos.Of(tree["spec"] as JsonObject) };
        }
        var created = KubeObject.From(tree);
        options.Review?.Invoke(created, null);
        return created;

        void Note()
        {
            if (settle is null)
            {
                fields.Note(kind, null, tree, null, options, given);
            }
            else
            {
                settle(tree);
            }
        }
    }

    /// <summary>The object to store in place of <paramref name="present"/>; null when the change finishes its deletion.</summary>
    /// <param name="settle">As in <see cref="Create"/>; it is given the stored object and the next one.</param>
    /// <param name="hold">Holds the address that a Service is given.</param>
    /// <param name="last">Is told the last state of what the change ends.</param>
    internal KubeObject? Update(
        ResourceKind kind, KubeObject present, JsonObject incoming, WriteOptions options, AddressHold? hold, Action<JsonObject, JsonObject>? settle = null,
        Action<KubeObject>? last = null)
    {
        var sent = incoming["metadata"]?["managedFields"];
        RequireKind(kind, incoming);
        RequireUid(kind, present, (string?)incoming["metadata"]?["uid"]);
        var before = present.ToTree();
        var tree = options.Subresource switch
        {
            "" or Scale => Main(kind, before, incoming, present),
            "status" => Status(kind, before, incoming),
            "finalize" when kind == Kinds.Namespace => Finalize(before, incoming, present),
            Binding when kind == Kinds.Pod => incoming,
            var door when kind == Kinds.Pod && PodDoors.IsSpec(door) => PodDoors.Through(before, incoming, door),
            _ => throw new ApiException(404, "NotFound", "the server could not find the requested resource"),
        };
        if (kind == Kinds.Pod && options.Subresource.Length == 0)
        {
            PodTolerations.Add(tree); // on updates too: a list that is sent without them has them again
        }
        if (kind == StoredKinds.ApiService && options.Subresource.Length == 0)
        {
            ApiServiceRules.SetStatus(tree, before, time.GetUtcNow());
        }
        if (DefinitionAdmission.IsOwn(kind, present.Metadata.Name))
        {
            DefinitionAdmission.KeepOwnSpec(before, tree, options);
        }
        else
        {
            Check(kind, tree, before, options, AdmissionOperation.Update, Note, hold);
        }
        if (kind.HasGeneration && IsOfSpec(options.Subresource) && !SameDesire(kind, before, tree))
        {
            tree["metadata"]!["generation"] = present.Metadata.Generation + 1;
        }
        if (kind != Kinds.Service)
        {
            Note();
        }
        var next = KubeObject.From(tree);
        options.Review?.Invoke(next, present);
        if (!IsFinished(kind, next))
        {
            return next;
        }
        last?.Invoke(next);
        return null;

        void Note()
        {
            if (settle is null)
            {
                fields.Note(kind, before, tree, sent, options);
            }
            else
            {
                settle(before, tree);
            }
        }
    }

    /// <summary>What a patch is told that would give the object another uid (apimachinery: ValidateObjectMetaAccessorUpdate).</summary>
    internal static ApiException OtherUid(ResourceKind kind, string name, string uid) =>
        ApiException.Invalid(kind, name, [new StatusCause("FieldValueInvalid", $"Invalid value: \"{uid}\": field is immutable", "metadata.uid")]);

    /// <summary>A uid in what comes in is a precondition: the object meant, not another one of its name (apiserver: rest.DefaultUpdatedObjectInfo).</summary>
    internal static void RequireUid(ResourceKind kind, KubeObject present, string? uid)
    {
        if (uid is { Length: > 0 } && uid != present.Metadata.Uid)
        {
            throw ApiException.Conflict(kind, present.Metadata.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {present.Metadata.Uid}");
        }
    }

    /// <summary>What a pod gets of its account. One that is named must be there; that each namespace has its <c>default</c> is a controller's matter.</summary>
    private void AddAccount(ResourceKind kind, string pod, JsonObject tree)
    {
        var spec = tree["spec"]!.AsObject();
        if ((string?)spec["serviceAccountName"] is null or "")
        {
            spec["serviceAccountName"] = (string?)spec["serviceAccount"] is { Length: > 0 } former ? former : "default";
        }
        spec["serviceAccount"] = (string)spec["serviceAccountName"]!; // its old name
        var key = new ObjectKey((string)tree["metadata"]!["namespace"]!, (string)spec["serviceAccountName"]!);
        var account = client.Cache(Kinds.ServiceAccount).Get(key);
        if (account is null && key.Name != "default")
        {
            throw ApiException.Forbidden(kind, pod, $"error looking up service account {key}: serviceaccount \"{key.Name}\" not found");
        }
        AccountMount.Add(tree, account, GeneratedName.Suffix());
    }

    private static bool IsFinished(ResourceKind kind, KubeObject next) => next.Metadata.IsDeleting && next.Metadata.Finalizers.Count == 0
        && (next.Metadata.DeletionGracePeriodSeconds ?? 0) == 0
        && (kind != Kinds.Namespace || next.As<Namespace>().Spec.Finalizers.Count == 0);

    private static JsonObject Main(ResourceKind kind, JsonObject before, JsonObject incoming, KubeObject present)
    {
        var metadata = incoming["metadata"] as JsonObject ?? [];
        incoming["metadata"] = metadata;
        if ((string?)metadata["name"] is { } name && name != present.Metadata.Name)
        {
            throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({present.Metadata.Name})");
        }
        var old = before["metadata"]!.AsObject();
        RequireLawful(kind, metadata, old, present);
        foreach (var field in (ReadOnlySpan<string>)
            ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"])
        {
            Keep(metadata, old, field);
        }
        metadata.Remove("managedFields");
        if (kind.HasStatus)
        {
            Keep(incoming, before, "status");
        }
        if (kind == Kinds.Namespace)
        {
            // Its end is for /finalize alone (registry/core/namespace: strategy.go).
            var spec = incoming["spec"] as JsonObject ?? [];
            incoming["spec"] = spec;
            Keep(spec, before["spec"] as JsonObject ?? [], "finalizers");
        }
        return incoming;
    }

    /// <summary>What an update may not do to an object's end (apimachinery: ValidateObjectMetaAccessorUpdate). The times of an end that has begun stay as they are.</summary>
    private static void RequireLawful(ResourceKind kind, JsonObject metadata, JsonObject old, KubeObject present)
    {
        var causes = new List<StatusCause>();
        var added = !present.Metadata.IsDeleting ? []
            : (metadata["finalizers"] as JsonArray ?? []).Select(f => (string?)f ?? "").Except(present.Metadata.Finalizers).Order(StringComparer.Ordinal).ToList();
        if (added.Count > 0)
        {
            var found = string.Join(", ", added.Select(f => $"\"{f}\""));
            causes.Add(new StatusCause(
                "FieldValueForbidden",
                $"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{found}}}", "metadata.finalizers"));
        }
        foreach (var field in (ReadOnlySpan<string>)["deletionTimestamp", "deletionGracePeriodSeconds"])
        {
            var ignored = field == "deletionTimestamp" && present.Metadata.IsDeleting;
            if (!ignored && metadata[field] is { } sent && !JsonNode.DeepEquals(sent, old[field]))
            {
                causes.Add(new StatusCause("FieldValueInvalid", $"Invalid value: {sent.ToJsonString()}: field is immutable", $"metadata.{field}"));
            }
        }
        if (causes.Count > 0)
        {
            throw ApiException.Invalid(kind, present.Metadata.Name, causes);
        }
    }

    private static JsonObject Status(ResourceKind kind, JsonObject before, JsonObject incoming)
    {
        if (!kind.HasStatus)
        {
            throw new ApiException(404, "NotFound", "the server could not find the requested resource");
        }
        var tree = before.DeepClone().AsObject();
        Keep(tree, incoming, "status");
        foreach (var field in StatusMetadata(kind))
        {
            Keep(tree["metadata"]!.AsObject(), incoming["metadata"] as JsonObject ?? [], field);
        }
        if (kind == Kinds.Pod)
        {
            tree["status"] ??= new JsonObject();
            KeptPodStatus.Of(before["status"] as JsonObject).Complete(tree["status"]!.AsObject());
        }
        if (kind == Kinds.Namespace && (tree["status"] as JsonObject)?["phase"] is null)
        {
            tree["status"] ??= new JsonObject();
            tree["status"]!["phase"] = "Active"; // SetDefaults_NamespaceStatus
        }
        return tree;
    }

    /// <summary>The metadata that a write of the status changes as well: all of the user's, but for custom kinds none (each kind's status strategy).</summary>
    private static string[] StatusMetadata(ResourceKind kind) =>
        kind.IsCustom || kind == StoredKinds.ApiService ? []
        : kind == Kinds.Deployment ? ["annotations", "finalizers", "ownerReferences"]
        : kind == Kinds.Pod ? ["annotations", "finalizers", "labels"]
        : ["annotations", "finalizers", "labels", "ownerReferences"];

    /// <summary>As a mere update, but finalizers are taken too (registry/core/namespace: namespaceFinalizeStrategy).</summary>
    private static JsonObject Finalize(JsonObject before, JsonObject incoming, KubeObject present)
    {
        var finalizers = (incoming["spec"] as JsonObject)?["finalizers"]?.DeepClone();
        var tree = Main(Kinds.Namespace, before, incoming, present);
        Keep(tree["spec"]!.AsObject(), new JsonObject { ["finalizers"] = finalizers is JsonArray { Count: > 0 } ? finalizers : null }, "finalizers");
        Defaulting.Apply(Kinds.Namespace, tree, before, new AdmissionContext { Operation = AdmissionOperation.Update });
        return tree;
    }

    private static void Keep(JsonObject target, JsonObject source, string field)
    {
        if (source[field] is { } value)
        {
            target[field] = value.DeepClone();
        }
        else
        {
            target.Remove(field);
        }
    }

    /// <param name="note">Notes whose fields are whose. Of a Service they are what the client and defaults say: its addresses are nobody's.</param>
    private void Check(ResourceKind kind, JsonObject tree, JsonObject? old, WriteOptions options, AdmissionOperation operation, Action note, AddressHold? hold)
    {
        var context = new AdmissionContext
        {
            Config = config(),
            User = options.User == WriteOptions.Roles ? "" : options.User,
            Operation = operation,
            Subresource = options.Subresource == Scale ? "" : options.Subresource,
            Now = time.GetUtcNow(),
            DryRun = options.DryRun,
            Warn = options.Warn ?? (_ => { }),
            ThroughView = kind.ViewOf is not null,
        };
        if (kind.ViewOf is { } kept)
        {
            View(kind, kept, tree, old, context);
        }
        else if (kind == Kinds.Service)
        {
            Service(tree, old, context, note, hold);
        }
        else
        {
            Check(kind, kind, tree, old, context, completes: options.Subresource != Scale);
        }
        if (kind == StoredKinds.PriorityClass)
        {
            PriorityRules.RequireOneForAll(tree, old is null, client.Cache(kind).List());
        }
    }

    private void Service(JsonObject tree, JsonObject? old, AdmissionContext context, Action note, AddressHold? hold) =>
        Check(Kinds.Service, Kinds.Service, tree, old, context, () =>
        {
            note();
            if (context.Subresource.Length == 0)
            {
                addresses.Complete(tree, old, hold);
            }
        });

    /// <summary>A view is defaulted and judged as what is kept of it.</summary>
    private static void View(ResourceKind kind, ResourceKind kept, JsonObject tree, JsonObject? old, AdmissionContext context)
    {
        var form = kind.Form!;
        var decoded = StrictDecoder.Decode(kept, form.Write(KubeObject.From(tree)).Json); // fields may come out of annotations
        if (decoded.Failure(strict: false) is { } failure)
        {
            throw failure;
        }
        Check(kind, kept, decoded.Tree, old is null ? null : form.Write(KubeObject.From(old)).ToTree(), context);
        var shown = form.Read(KubeObject.From(decoded.Tree)).ToTree();
        tree.Clear();
        foreach (var (name, value) in shown.ToList())
        {
            shown.Remove(name);
            tree[name] = value;
        }
    }

    /// <param name="kind">What the client speaks of.</param>
    /// <param name="judged">Whose rules hold.</param>
    /// <param name="between">Comes after defaults and before the rules.</param>
    /// <param name="completes">False where a template that an earlier version stored must stay as it is: with more defaults it is another one, and its pods start again.</param>
    private static void Check(
        ResourceKind kind, ResourceKind judged, JsonObject tree, JsonObject? old, AdmissionContext context, Action? between = null, bool completes = true)
    {
        if (completes && IsOfSpec(context.Subresource) || kind.Shape is not null)
        {
            Defaulting.Apply(judged, tree, old, context);
        }
        between?.Invoke();
        if (Validation.Validate(judged, tree, old, context) is { Count: > 0 } errors)
        {
            throw Validation.ToException(judged, (string?)tree["metadata"]?["name"] ?? "", errors);
        }
        if (completes)
        {
            ZeroFields.Fill(judged, tree);
        }
    }

    private static bool IsOfSpec(string subresource) => subresource is "" or Scale || PodDoors.IsSpec(subresource);

    /// <summary>Everything but metadata, and the status of a kind that has it as a subresource.</summary>
    private static bool SameDesire(ResourceKind kind, JsonObject before, JsonObject after)
    {
        if (kind == Kinds.Deployment && !JsonNode.DeepEquals(before["metadata"]?["annotations"], after["metadata"]?["annotations"]))
        {
            return false; // its annotations are copied to its replica sets (registry/apps/deployment: strategy.go)
        }
        if (kind == Kinds.Pod && before["spec"] is JsonObject spec && after["spec"] is JsonObject bound && !spec.ContainsKey("nodeName") && (string?)bound["nodeName"] is { } node)
        {
            spec = spec.DeepClone().AsObject(); // to give it a node is no wish of its owner (registry/core/pod/storage: assignPod)
            spec["nodeName"] = node;
            return JsonNode.DeepEquals(spec, bound);
        }
        return before.All(p => IsBeside(p.Key) || (after.TryGetPropertyValue(p.Key, out var value) && JsonNode.DeepEquals(value, p.Value)))
            && after.All(p => IsBeside(p.Key) || before.ContainsKey(p.Key));

        bool IsBeside(string member) => member == "metadata" || (member == "status" && kind.HasStatus);
    }

    private static void RequireKind(ResourceKind kind, JsonObject tree)
    {
        tree["apiVersion"] ??= kind.ApiVersion;
        tree["kind"] ??= kind.Kind;
        if ((string?)tree["apiVersion"] != kind.ApiVersion || (string?)tree["kind"] != kind.Kind)
        {
            throw kind.Shape is not null ? ApiException.OtherType(kind, (string?)tree["metadata"]?["name"] ?? "", $"{tree["apiVersion"]}", $"{tree["kind"]}") : ApiException.BadRequest(
                $"the object provided is {tree["apiVersion"]}, Kind={tree["kind"]}, but {kind.ApiVersion}, Kind={kind.Kind} was expected here");
        }
    }

    private void RequireNamespace(ResourceKind kind, JsonObject metadata, string name)
    {
        if (!kind.Namespaced)
        {
            metadata.Remove("namespace");
            return;
        }
        var ns = (string?)metadata["namespace"] ?? "";
        if (ns.Length == 0)
        {
            throw ApiException.BadRequest($"the namespace of {kind.Kind} {name} is not set");
        }
        var found = client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster(ns));
        if (found is null || found.Metadata.IsDeleting)
        {
            throw NamespaceClosed(kind, name, ns, found);
        }
    }

    /// <summary>The answer when a namespace is missing or being deleted, also when that is only seen by the writer.</summary>
    internal static ApiException NamespaceClosed(ResourceKind kind, KubeObject obj, KubeObject? ns) =>
        NamespaceClosed(kind, obj.Metadata.Name, obj.Metadata.Namespace, ns);

    private static ApiException NamespaceClosed(ResourceKind kind, string name, string ns, KubeObject? found) => found is null
        ? ApiException.NotFound(Kinds.Namespace, ns)
        : ApiException.NamespaceTerminating(kind, name, ns);
}
