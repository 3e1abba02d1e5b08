using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>How far Ingresses are at a gateway, for controllers.</summary>
public sealed class RoutesFeed : ISignalEndpoint
{
    internal static readonly SignalKind<ObjectKey, IngressReport> Kind = new(
        "/signals/routes", SignalJson.Default.FrameIngressReport, r => r.Ingress, r => r.State is null, r => r with { State = null })
    {
        IsValid = r => r.State is null || (All(r.State.Conflicts) && All(r.State.Warnings) && All(r.State.TlsProblems)),
    };

    private readonly IIngressStates _states;
    private readonly Feed<ObjectKey, IngressReport> _feed;
    private readonly Lock _publishing = new(); // a state that was read first is published first

    /// <param name="states">Told by the gateway's own data plane; it listens from now on.</param>
    /// <param name="client">Knows which Ingresses there are already.</param>
    /// <param name="time">The clock.</param>
    public RoutesFeed(IIngressStates states, IKubeClient client, TimeProvider time)
    {
        (_states, _feed) = (states, new Feed<ObjectKey, IngressReport>(Kind, time));
        states.Changed = Publish;
        foreach (var ingress in client.Cache(Kinds.KIngress).List())
        {
            Publish(ingress.Key);
        }
    }

    public string Path => Kind.Path;

    public Task AnswerAsync(HttpContext http) => _feed.ServeAsync(http);

    private void Publish(ObjectKey ingress)
    {
        lock (_publishing)
        {
            _feed.Publish([new IngressReport(ingress, _states.StateOf(ingress))]);
        }
    }

    private static bool All<T>(IReadOnlyList<T> items) => items.All(i => i is not null);
}
