using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Controllers;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>Everything that makes the world as the objects say: reconcilers, collector and sweeper.</summary>
internal static class ControllerPart
{
    /// <summary>The kinds that show where gateways are.</summary>
    private static readonly ResourceKind[] s_placed = [Kinds.Route, Kinds.DomainMapping, Kinds.ServerlessService];

    public static async Task StartAsync(StartedParts started, PartServices services, ControllerSignals signals, CancellationToken ct)
    {
        var (client, config, events, time, loggers) = services;
        var gateways = signals.Gateways;
        var amongOthers = signals.Rules is not null;
        var ports = new GatewayPorts(80, 80);
        var controllers = started.Add(new ControllerHost(client, events, time, loggers.CreateLogger<ControllerHost>()));
        if (signals.Workloads)
        {
            (amongOthers ? controllers : controllers.AddDefinitions(client, time)).AddWorkloads(client, signals.RootCa, events, time, amongOthers);
        }
        controllers.AddCertificates(client, config, events, time)
            .AddServing(client, signals.Images, config, Ports, events, time, signals.Rules)
            .AddAutoscaler(client, signals.Autoscaler, config, Inside, signals.Workloads ? signals.Usage : null, events, time)
            .AddNetworking(client, signals.Routes, gateways, time, amongOthers);
        started.Own(gateways.Subscribe(() =>
        {
            foreach (var kind in s_placed)
            {
                controllers.RunAll(kind);
            }
        }));
        await controllers.StartAsync(ct);
        if (signals.Workloads)
        {
            await started.Add(new GarbageCollector(client, time, loggers.CreateLogger<GarbageCollector>())).StartAsync(ct);
            await started.Add(new EventSweeper(client, time, loggers.CreateLogger<EventSweeper>())).StartAsync(ct);
        }

        IReadOnlyList<GatewayAddress> Inside() => [.. gateways.Live.WithEndpoint(g => g.Inside, amongOthers).Select(g => g.Inside)];

        // While none lives, URLs stay as they are.
        GatewayPorts Ports() => ports = gateways.Live is [var first, ..] ? first.Ports : ports;
    }
}

/// <summary>What controllers know that is in no object.</summary>
internal sealed record ControllerSignals
{
    public required AutoscalerHost Autoscaler { get; init; }

    public required IImageResolver Images { get; init; }

    public required IIngressStates Routes { get; init; }

    public required IPodUsage Usage { get; init; }

    public required IGateways Gateways { get; init; }

    /// <summary>The certificate of the API server's authority as PEM, which each namespace is to have; null when that is somebody else's matter.</summary>
    public string? RootCa { get; init; }

    /// <summary>Judges Knative's objects; null where the API server has.</summary>
    public KnativeRules? Rules { get; init; }

    /// <summary>Whether pods, their owners, definitions and garbage are these controllers' matter, and not the cluster's own.</summary>
    public bool Workloads { get; init; } = true;
}
