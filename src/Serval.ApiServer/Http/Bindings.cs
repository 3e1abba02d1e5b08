using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Schema;
using Serval.ApiServer.Pipeline;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>
/// POST of <c>pods/NAME/binding</c>, and of <c>bindings</c>, which names the pod in its body: a scheduler gives a pod its node (kubernetes
/// pkg/registry/core/pod/storage/storage.go, BindingREST).
/// </summary>
internal sealed class Bindings(IKubeClient client, TimeProvider time)
{
    private static readonly Lazy<TypeSchema> s_type = new(() => Schemas.Find(Kinds.Binding.ApiVersion, Kinds.Binding.Kind)!);

    /// <summary>How often a pod that changes all the while is read and written; whoever binds it hears of the last conflict.</summary>
    internal const int MostAttempts = 10;

    public async Task AnswerAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Method != "POST")
        {
            throw Failures.MethodNotAllowed();
        }
        var write = QueryOptions.Write(request);
        var body = await BodyReader.ReadAsync(request, path with { Name = "" }, Kinds.Binding.ApiVersion, Kinds.Binding.Kind);
        var decoded = StrictDecoder.Decode(s_type.Value, body.Json);
        if (decoded.Failure(write.FieldValidation == FieldValidation.Strict) is { } failure)
        {
            throw failure;
        }
        if (path.Name.Length > 0 && body.Metadata.Name != path.Name)
        {
            throw ApiException.BadRequest("name in URL does not match name in Binding object");
        }
        if (body.Metadata.Name.Length == 0)
        {
            throw ApiException.BadRequest("Name parameter required.");
        }
        await BindAsync(new ObjectKey(path.Namespace, body.Metadata.Name), Target(body.Metadata.Name, decoded.Tree), body.Metadata, write.DryRun, request.Aborted);
        await Reply.JsonAsync(request, 201, StatusDocument.Done());
    }

    private static string Target(string pod, JsonObject binding)
    {
        var target = binding["target"] as JsonObject ?? [];
        var causes = new List<StatusCause>();
        if ((string?)target["kind"] is { Length: > 0 } kind and not "Node")
        {
            causes.Add(new("FieldValueNotSupported", $"Unsupported value: \"{kind}\": supported values: \"Node\", \"<empty>\"", "target.kind"));
        }
        if ((string?)target["name"] is not { Length: > 0 } name)
        {
            causes.Add(new("FieldValueRequired", "Required value", "target.name"));
            name = "";
        }
        return causes.Count == 0 ? name : throw ApiException.Invalid(Kinds.Binding, pod, causes);
    }

    private async Task BindAsync(ObjectKey key, string node, ObjectMeta binding, bool dryRun, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var stored = await client.GetAsync(Kinds.Pod, key, ct);
            Require(stored, binding);
            var bound = stored.With(tree => Bind(tree, node, binding));
            try
            {
                await client.UpdateAsync(Kinds.Pod, bound, WriteOptions.By("binding", Admission.Binding) with { DryRun = dryRun, Durability = Kinds.Pod.Durability }, ct);
                return;
            }
            catch (ApiException e) when (e.IsConflict && attempt < MostAttempts)
            {
                // It has changed since: judged again.
            }
        }
    }

    private static void Require(KubeObject stored, ObjectMeta binding)
    {
        var pod = stored.As<Pod>();
        var name = stored.Metadata.Name;
        if (binding.Uid.Length > 0 && binding.Uid != stored.Metadata.Uid)
        {
            throw ApiException.Conflict(Kinds.Pod, name, $"Precondition failed: UID in precondition: {binding.Uid}, UID in object meta: {stored.Metadata.Uid}");
        }
        if (binding.ResourceVersion.Length > 0 && binding.ResourceVersion != stored.Metadata.ResourceVersion)
        {
            throw ApiException.Conflict(Kinds.Pod, name,
                $"Precondition failed: ResourceVersion in precondition: {binding.ResourceVersion}, ResourceVersion in object meta: {stored.Metadata.ResourceVersion}");
        }
        var why = stored.Metadata.IsDeleting ? $"pod {name} is being deleted, cannot be assigned to a host"
            : pod.Spec.NodeName.Length > 0 ? $"pod {name} is already assigned to node \"{pod.Spec.NodeName}\""
            : (stored.ToTree()["spec"]?["schedulingGates"] as JsonArray)?.Count > 0 ? $"pod {name} has non-empty .spec.schedulingGates"
            : null;
        if (why is not null)
        {
            throw new ApiException(
                409, "Conflict", $"Operation cannot be fulfilled on pods/binding \"{name}\": {why}", details: new JsonObject { ["name"] = name, ["kind"] = "pods/binding" });
        }
    }

    private void Bind(JsonObject tree, string node, ObjectMeta binding)
    {
        tree["spec"]!["nodeName"] = node;
        var metadata = tree["metadata"]!.AsObject();
        foreach (var (field, added) in new[] { ("annotations", binding.Annotations), ("labels", binding.Labels) })
        {
            foreach (var (key, value) in added)
            {
                (metadata[field] ??= new JsonObject())[key] = value;
            }
        }
        var status = (tree["status"] ??= new JsonObject()).AsObject();
        status.Remove("nominatedNodeName");
        var conditions = (status["conditions"] ??= new JsonArray()).AsArray();
        var scheduled = conditions.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == "PodScheduled");
        if ((string?)scheduled?["status"] == "True")
        {
            return;
        }
        conditions.Remove(scheduled);
        conditions.Add(new JsonObject
        {
            ["type"] = "PodScheduled", ["status"] = "True", ["lastProbeTime"] = null, ["lastTransitionTime"] = KubeTime.Text(time.GetUtcNow()),
        });
    }
}
