using System.Text;
using Serval.Api.Core;
using Serval.Node.Names;

namespace Serval.Node.Containers;

/// <summary>What a pod is called by the programs in it.</summary>
internal static class PodHosts
{
    private const int LongestName = 63;
    private const string Hosts = "hosts";
    private const string HostName = "hostname";

    /// <summary>The files of <c>/etc</c> that are a container's own.</summary>
    public static IReadOnlyList<string> EtcNames { get; } = [Hosts, HostName, ResolverFile.Name];

    /// <summary>The pod's host name: its own field or its name, cut as kubelet does (pkg/kubelet, truncatePodHostnameIfNeeded).</summary>
    public static string Name(Pod pod)
    {
        var name = pod.Spec.Hostname.Length > 0 ? pod.Spec.Hostname : pod.Metadata.Name;
        return name.Length > LongestName ? name[..LongestName].TrimEnd('-', '.') : name;
    }

    /// <summary>The text of each of <see cref="EtcNames"/>. The lines of hosts are those kubelet writes.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="address">Its address.</param>
    /// <param name="resolver">Whom it asks for names.</param>
    public static IReadOnlyDictionary<string, string> EtcFiles(Pod pod, string address, ResolverFile resolver)
    {
        var hosts = new StringBuilder("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n")
            .Append(address).Append('\t').Append(Name(pod)).Append('\n');
        if (pod.Spec.HostAliases.Count > 0)
        {
            hosts.Append("\n# Entries added by HostAliases.\n");
        }
        foreach (var alias in pod.Spec.HostAliases)
        {
            hosts.Append(alias.Ip).Append('\t').AppendJoin('\t', alias.Hostnames).Append('\n');
        }
        return new Dictionary<string, string>
        {
            [Hosts] = hosts.ToString(), [HostName] = Name(pod) + "\n", [ResolverFile.Name] = resolver.ToString(),
        };
    }
}
