using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Cli;
using Serval.Composition;
using Serval.Kube.Remote;

namespace Serval.Commands;

/// <summary>A verb that runs one role in this process until it is told to stop.</summary>
internal abstract class RoleVerb : Verb
{
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    protected RoleVerb(CliContext context, string name, string description, params string[] examples)
        : base(context, name, description, examples) => Add(_output);

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        try
        {
            await using var started = new StartedParts();
            var ready = await StartAsync(parse, started, started.Add(new Loggers()).Factory, ct);
            Tell(parse, ready.Facts);
            await await Task.WhenAny(CancellationSignal.WaitAsync(ct), ready.Running);
            await Context.Error.WriteLineAsync("stopping (again to stop at once) …");
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // told to stop before it had begun
        }
        catch (Exception e) when (StartFailure.Explain(e) is var (code, message))
        {
            throw new CliException(code, message, e);
        }
        return ExitCodes.Ok;
    }

    /// <summary>Starts the role.</summary>
    protected abstract Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ILoggerFactory loggers, CancellationToken ct);

    private void Tell(ParseResult parse, IReadOnlyList<(string Name, string Value)> ready)
    {
        using var process = Process.GetCurrentProcess();
        var took = Context.Time.GetUtcNow() - process.StartTime.ToUniversalTime();
        var structured = Printer.TryWrite(Context.Out, parse.GetValue(_output), () =>
        {
            var json = new JsonObject();
            foreach (var (name, value) in ready)
            {
                json[name] = value;
            }
            json["readyMs"] = Math.Round(took.TotalMilliseconds);
            return json;
        });
        if (structured)
        {
            return;
        }
        Context.Out.WriteLine($"serval {Name} is ready ({took.TotalMilliseconds:0} ms)");
        foreach (var (name, value) in ready)
        {
            Context.Out.WriteLine($"  {name,-14}{value}");
        }
    }
}

/// <summary>What a role that is ready says of itself.</summary>
/// <param name="Facts">Names and values, in the order they are told.</param>
/// <param name="Running">Fails when the role cannot go on; ends with it at the latest.</param>
internal sealed record RoleReady(IReadOnlyList<(string Name, string Value)> Facts, Task Running)
{
    public RoleReady(params IReadOnlyList<(string Name, string Value)> facts)
        : this(facts, Never)
    {
    }

    private static Task Never { get; } = new TaskCompletionSource().Task;
}

/// <summary>A role that keeps its state at an API server.</summary>
internal abstract class ClusterRoleVerb : RoleVerb
{
    private readonly Option<string?> _kubeconfig = new("--kubeconfig")
    {
        Description = "Kubeconfig of the API server (default: $KUBECONFIG, the pod's service account, ~/.kube/config)", HelpName = "FILE",
    };

    private readonly Option<string?> _context = new("--context") { Description = "Context of the kubeconfig (default: its current one)", HelpName = "NAME" };

    protected ClusterRoleVerb(CliContext context, string name, string description, params string[] examples)
        : base(context, name, description, examples)
    {
        Add(_kubeconfig);
        Add(_context);
    }

    protected sealed override async Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ILoggerFactory loggers, CancellationToken ct)
    {
        var (file, name) = (parse.GetValue(_kubeconfig) ?? "", parse.GetValue(_context) ?? "");
        var cluster = await ClusterPart.ConnectAsync(started, Find, Name, Context.Error.WriteLine, Context.Time, loggers, ct);
        var ready = await StartAsync(parse, started, cluster, loggers, ct);
        return ready with { Facts = [.. ready.Facts, ("api", cluster.Access.Server.GetLeftPart(UriPartial.Authority))] };

        // An API server that is yet to start writes it.
        ClusterAccess Find() => file.Length == 0 || File.Exists(file)
            ? ClusterAccess.Find(file, name, Context.Time)
            : throw new FileNotFoundException($"the kubeconfig {file}");
    }

    protected abstract Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ClusterPart cluster, ILoggerFactory loggers, CancellationToken ct);
}
