using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>Configuration → one Revision a generation; latest created and latest ready (serving v1: configuration_lifecycle).</summary>
internal sealed class ConfigurationReconciler(IKubeClient client, IEventRecorder events, TimeProvider time, KnativeRules? rules = null) : IReconciler
{
    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, "configuration-controller");

    public string Name => "configuration-controller";

    public ResourceKind Kind => Kinds.Configuration;

    public IEnumerable<ReconcilerWatch> Watches => [ReconcilerWatch.Owned(Kinds.Revision, Kinds.Configuration)];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Configuration).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            return ReconcileResult.Done;
        }
        var configuration = stored.As<Configuration>();
        var conditions = new ConditionSet(configuration.Status.Conditions, time.GetUtcNow());
        var created = configuration.Status.LatestCreatedRevisionName;
        var ready = configuration.Status.LatestReadyRevisionName;

        if (rules?.WhyInvalid(Kinds.Configuration, stored) is { } why)
        {
            conditions.MarkFalse("Ready", "Rejected", why);
        }
        else if (NamedRevision.Conflicts(client, stored, configuration))
        {
            var name = configuration.Spec.Template.Metadata.Name;
            conditions.MarkFalse("Ready", "RevisionFailed",
                $"Revision creation failed with message: revisions.serving.knative.dev \"{name}\" already exists.");
        }
        else if (await CreatedRevisionAsync(stored, configuration, conditions, ct) is { } latest)
        {
            created = latest.Metadata.Name;
            ready = LatestReady(stored, configuration, latest) ?? ready;
            MarkFrom(conditions, latest, created, ready);
        }
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["conditions"] = conditions.ToJson() };
        status.Put("latestCreatedRevisionName", created);
        status.Put("latestReadyRevisionName", ready);
        var result = await _report.WriteAsync(client, Kinds.Configuration, stored, status, conditions.Ready, Name, ct);
        if (result.RequeueAfter is null)
        {
            Announce(stored, configuration.Status, conditions, created, ready);
        }
        return result;
    }

    /// <summary>Tells what the written status has that the one before had not (knative/serving: reconciler/configuration).</summary>
    private void Announce(KubeObject stored, ConfigurationStatus before, ConditionSet conditions, string created, string ready)
    {
        if (ready != before.LatestReadyRevisionName)
        {
            if (before.LatestReadyRevisionName.Length == 0)
            {
                _events.Normal(stored, "ConfigurationReady", "Configuration becomes ready");
            }
            _events.Normal(stored, "LatestReadyUpdate", $"LatestReadyRevisionName updated to \"{ready}\"");
        }
        var failure = before.Conditions.FirstOrDefault(c => c is { Type: "Ready", Status: "False" });
        if (created.Length > 0 && conditions.IsFalse("Ready") && failure?.Message != conditions.Ready.Message)
        {
            var (reason, which) = created == ready ? ("LatestReadyFailed", "ready") : ("LatestCreatedFailed", "created");
            _events.Warning(stored, reason, $"Latest {which} revision \"{created}\" has failed");
        }
    }

    private static void MarkFrom(ConditionSet conditions, KubeObject latest, string created, string ready)
    {
        var condition = latest.As<Revision>().Status.Conditions.FirstOrDefault(c => c.Type == "Ready");
        if (condition is { Status: "False" })
        {
            conditions.MarkFalse("Ready", "RevisionFailed", $"Revision \"{created}\" failed with message: {condition.Message}.");
        }
        else if (created == ready)
        {
            conditions.MarkTrue("Ready");
        }
        else
        {
            var why = condition?.Message is { Length: > 0 } said ? $"Revision \"{created}\" is not ready yet: {said}" : "";
            conditions.MarkUnknown("Ready", message: why);
        }
    }

    private async Task<KubeObject?> CreatedRevisionAsync(KubeObject stored, Configuration configuration, ConditionSet conditions, CancellationToken ct)
    {
        if (Present(client, stored, configuration) is { } present)
        {
            return present;
        }
        try
        {
            var revision = await client.CreateAsync(Kinds.Revision, NewRevision(stored), WriteOptions.By(Name), ct);
            _events.Normal(stored, "Created", $"Created Revision \"{revision.Metadata.Name}\"");
            return revision;
        }
        catch (ApiException e) when (e.IsRejection)
        {
            conditions.MarkFalse("Ready", "RevisionFailed", $"Revision creation failed with message: {e.Message}.");
            _events.Warning(stored, "CreationFailed", $"Failed to create Revision: {e.Message}");
            return null;
        }
    }

    /// <summary>The revision of the configuration's present generation, or null.</summary>
    internal static KubeObject? Present(IKubeClient client, KubeObject stored, Configuration configuration)
    {
        var name = configuration.Spec.Template.Metadata.Name;
        if (name.Length > 0)
        {
            return client.Cache(Kinds.Revision).Get(new ObjectKey(stored.Metadata.Namespace, name));
        }
        var generation = Text(stored.Metadata.Generation);
        return client.Cache(Kinds.Revision).OwnedBy(stored.Metadata.Uid)
            .FirstOrDefault(r => r.Metadata.Label(KnativeNames.ConfigurationGenerationLabel) == generation);
    }

    private KubeObject NewRevision(KubeObject stored)
    {
        var template = stored.ToTree()["spec"]!["template"]!.AsObject();
        var metadata = template["metadata"]?.DeepClone() as JsonObject ?? [];
        var name = (string?)metadata["name"] is { Length: > 0 } named ? named : ChildNames.Of(stored.Metadata.Name, $"-{stored.Metadata.Generation:D5}");

        var labels = metadata["labels"]?.DeepClone() as JsonObject ?? [];
        labels[KnativeNames.ConfigurationLabel] = stored.Metadata.Name;
        labels[KnativeNames.ConfigurationUidLabel] = stored.Metadata.Uid;
        labels[KnativeNames.ConfigurationGenerationLabel] = Text(stored.Metadata.Generation);
        Inherit(labels, stored, KnativeNames.ServiceLabel);
        Inherit(labels, stored, KnativeNames.ServiceUidLabel);

        var annotations = metadata["annotations"]?.DeepClone() as JsonObject ?? [];
        var routes = stored.Metadata.Annotation(KnativeNames.RoutesAnnotation);
        labels[KnativeNames.RoutingStateLabel] = routes is null ? KnativeNames.RoutingPending : KnativeNames.RoutingActive;
        annotations[KnativeNames.RoutingStateModifiedAnnotation] = KubeTime.Text(time.GetUtcNow());
        if (routes is not null)
        {
            annotations[KnativeNames.RoutesAnnotation] = routes;
        }
        if (stored.Metadata.Annotation(KnativeNames.LastModifierAnnotation) is { } user)
        {
            annotations[KnativeNames.CreatorAnnotation] = user;
        }
        var revision = OwnedObjects.New(Kinds.Revision, stored, name, labels, annotations);
        revision["spec"] = template["spec"]?.DeepClone();
        return KubeObject.From(revision);
    }

    /// <summary>The newest ready revision from the latest ready one up to this generation.</summary>
    private string? LatestReady(KubeObject stored, Configuration configuration, KubeObject latest)
    {
        var named = configuration.Spec.Template.Metadata.Name;
        var from = client.Cache(Kinds.Revision).Get(new ObjectKey(stored.Metadata.Namespace, configuration.Status.LatestReadyRevisionName)) is { } last
            ? Generation(last)
            : 0;
        return client.Cache(Kinds.Revision).OwnedBy(stored.Metadata.Uid).Append(latest).DistinctBy(r => r.Metadata.Name)
            .Where(r => r.Metadata.Name == named || Generation(r) >= from && Generation(r) <= stored.Metadata.Generation)
            .Where(IsReady)
            .OrderByDescending(r => r.Metadata.Name == named).ThenByDescending(Generation)
            .FirstOrDefault()?.Metadata.Name;
    }

    internal static bool IsReady(KubeObject revision)
    {
        var status = revision.As<Revision>().Status;
        return status.ObservedGeneration == revision.Metadata.Generation && status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });
    }

    internal static long Generation(KubeObject revision) =>
        long.TryParse(revision.Metadata.Label(KnativeNames.ConfigurationGenerationLabel), out var generation) ? generation : 0;

    private static void Inherit(JsonObject labels, KubeObject stored, string label)
    {
        if (stored.Metadata.Label(label) is { } value)
        {
            labels[label] = value;
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
