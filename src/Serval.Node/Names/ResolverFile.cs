using System.Net;
using Serval.Api.Core;

namespace Serval.Node.Names;

/// <summary>The lines of a <c>resolv.conf</c> (man 5 resolv.conf).</summary>
internal sealed record ResolverFile
{
    public const string Name = "resolv.conf";

    private const string MachinePath = "/etc/" + Name;

    // What kubelet keeps of them (kubernetes: pkg/apis/core/validation).
    private const int MostServers = 3;
    private const int MostSearches = 32;
    private const int MostSearchCharacters = 2048;

    public IReadOnlyList<string> Servers { get; init; } = [];

    public IReadOnlyList<string> Searches { get; init; } = [];

    public IReadOnlyList<string> Options { get; init; } = [];

    public static ResolverFile Parse(string text)
    {
        var lines = text.Split('\n').Select(l => l.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries)).Where(l => l.Length > 1).ToList();
        return new ResolverFile
        {
            Servers = [.. lines.Where(l => l[0] == "nameserver").Select(l => l[1])],
            Searches = lines.LastOrDefault(l => l[0] is "search" or "domain")?[1..] ?? [], // the last one counts
            Options = [.. lines.Where(l => l[0] == "options").SelectMany(l => l[1..])],
        };
    }

    /// <summary>This machine's; empty when it has none.</summary>
    public static ResolverFile ReadMachine()
    {
        try
        {
            return Parse(File.ReadAllText(MachinePath));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ResolverFile();
        }
    }

    /// <summary>
    /// A pod's, as kubelet makes it (kubernetes: pkg/kubelet/network/dns). Where cluster names cannot be resolved, ClusterFirst is Default.
    /// </summary>
    /// <param name="spec">The pod's.</param>
    /// <param name="ns">Its namespace.</param>
    /// <param name="machine">This machine's file.</param>
    /// <param name="server">Who resolves cluster names for pods; null when nobody does.</param>
    public static ResolverFile ForPod(PodSpec spec, string ns, ResolverFile machine, IPAddress? server)
    {
        var start = spec.DnsPolicy switch
        {
            "None" => new ResolverFile(),
            "Default" => Reachable(machine, server),
            _ when server is null => machine,
            _ => new ResolverFile
            {
                Servers = [server.ToString()],
                Searches = [$"{ns}.svc.{ClusterNames.Zone}", "svc." + ClusterNames.Zone, ClusterNames.Zone, .. machine.Searches],
                Options = ["ndots:5"],
            },
        };
        var more = spec.DnsConfig ?? new PodDnsConfig();
        var options = more.Options.Where(o => o.Name.Length > 0).Select(o => (o.Name, Text: o.Value is { Length: > 0 } value ? $"{o.Name}:{value}" : o.Name)).ToList();
        return new ResolverFile
        {
            Servers = [.. start.Servers.Concat(more.Nameservers.Where(IsWord)).Distinct().Take(MostServers)],
            Searches = Limit(start.Searches.Concat(more.Searches.Where(IsWord)).Distinct()),
            Options = [.. start.Options.Where(o => options.TrueForAll(m => m.Name != o.Split(':')[0])), .. options.Select(o => o.Text).Where(IsWord)],
        };
    }

    public override string ToString() => string.Concat(
        Searches.Count > 0 ? $"search {string.Join(' ', Searches)}\n" : "",
        string.Concat(Servers.Select(s => $"nameserver {s}\n")),
        Options.Count > 0 ? $"options {string.Join(' ', Options)}\n" : "");

    // A resolver on the machine's loopback is not on the pod's: who answers pods asks it for them.
    private static ResolverFile Reachable(ResolverFile machine, IPAddress? server) => server is null ? machine : machine with
    {
        Servers = [.. machine.Servers.Select(s => IPAddress.TryParse(s, out var ip) && IPAddress.IsLoopback(ip) ? server.ToString() : s).Distinct()],
    };

    private static bool IsWord(string text) => text.Length > 0 && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));

    private static List<string> Limit(IEnumerable<string> searches)
    {
        var kept = new List<string>();
        foreach (var search in searches.Take(MostSearches))
        {
            if (kept.Sum(s => s.Length + 1) + search.Length > MostSearchCharacters)
            {
                break;
            }
            kept.Add(search);
        }
        return kept;
    }
}
