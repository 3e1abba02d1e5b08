using System.ComponentModel;
using System.Diagnostics;
using System.Net;

namespace Serval.Node.Network;

/// <summary>
/// The pods' way out of the machine: forwarding, and their addresses hidden behind the machine's. Set up once by <c>iptables-restore</c>, as a
/// machine with Docker drops what its chains do not name, else by <c>nft</c>; without either pods reach each other and this machine alone.
/// Nobody outside may begin a connection to a pod.
/// </summary>
/// <param name="subnet">The pods' network.</param>
/// <param name="directories">Where the tools are; null: where systems have them.</param>
internal sealed class Uplink(Subnet subnet, string[]? directories = null)
{
    private const string ForwardingFile = "/proc/sys/net/ipv4/ip_forward";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly string[] s_directories = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];

    private readonly string[] _directories = directories ?? s_directories;
    private string _tool = "";

    /// <summary>Addresses of Services, and the socket that hears for all of them; null when nobody does, as after an <see cref="Open"/> that could make no rule for them.</summary>
    public (IPNetwork Range, IPEndPoint Door)? Services { get; set; }

    /// <summary>Why <see cref="Open"/> made no rule for Services.</summary>
    public string Unrouted { get; private set; } = "";

    /// <summary>How pods leave the machine, or why they cannot.</summary>
    public string Description { get; private set; } = "";

    public void Open()
    {
        if (!Forwards())
        {
            Fail($"{ForwardingFile} cannot be set to 1");
            return;
        }
        var failure = "neither iptables-restore nor nft is installed";
        foreach (var tool in (ReadOnlySpan<string>)["iptables-restore", "nft"])
        {
            var failed = Run(tool, Rules(tool, open: true) + ServiceRules(tool, open: true));
            if (failed is { Length: > 0 } && Services is not null && Run(tool, Rules(tool, open: true)) is null)
            {
                (Services, Unrouted, failed) = (null, $"{tool}: {failed}", null);
            }
            if (failed is null)
            {
                (_tool, Description) = (tool, "they leave this machine under its address");
                return;
            }
            failure = failed.Length == 0 ? failure : $"{tool}: {failed}";
        }
        Fail(failure);
    }

    /// <summary>Removes what <see cref="Open"/> set up.</summary>
    public void Close()
    {
        if (_tool.Length > 0)
        {
            Close(_tool);
        }
    }

    /// <summary>Removes what an earlier run set up, by whatever it was.</summary>
    public void CloseLeftover()
    {
        Close("iptables-restore");
        Close("nft");
    }

    private void Fail(string reason) => (Services, Unrouted, Description) = (null, reason, $"they have no way out of this machine: {reason}");

    // Apart: where one of a batch cannot be removed, none of it is.
    private void Close(string tool)
    {
        Run(tool, Rules(tool, open: false));
        if (ServiceRules(tool, open: false) is { Length: > 0 } rules)
        {
            Run(tool, rules);
        }
    }

    private static bool Forwards()
    {
        try
        {
            if (File.ReadAllText(ForwardingFile).Trim() != "1")
            {
                File.WriteAllText(ForwardingFile, "1");
            }
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string Rules(string tool, bool open) => tool == "nft" ? NftRules(open) : IptablesRules(open);

    // A chain by the bridge's name, so that who removes it needs to know no more. With nft it is in the table.
    private string ServiceRules(string tool, bool open)
    {
        var jump = $"-m comment --comment {subnet.Bridge} -j {subnet.Bridge}";
        if (tool == "nft" || (open && Services is null))
        {
            return "";
        }
        return !open ? $"""
            *nat
            -D PREROUTING -i {subnet.Bridge}+ {jump}
            -D OUTPUT {jump}
            -F {subnet.Bridge}
            -X {subnet.Bridge}
            COMMIT

            """ : $"""
            *nat
            :{subnet.Bridge} - [0:0]
            -A {subnet.Bridge} -d {Services!.Value.Range} -p tcp -j DNAT --to-destination {Services.Value.Door}
            -A PREROUTING -i {subnet.Bridge}+ {jump}
            -A OUTPUT {jump}
            COMMIT

            """;
    }

    private string IptablesRules(bool open)
    {
        var (append, insert) = open ? ("-A", "-I") : ("-D", "-D");
        var comment = $"-m comment --comment {subnet.Bridge}";
        // What is inserted later comes first.
        return $"""
            *nat
            {append} POSTROUTING -s {subnet} ! -d {subnet} {comment} -j MASQUERADE
            COMMIT
            *filter
            {insert} FORWARD -d {subnet} {comment} -j ACCEPT
            {insert} FORWARD -i {subnet.Bridge}+ {comment} -j ACCEPT
            {insert} FORWARD ! -i {subnet.Bridge}+ -d {subnet} -m conntrack ! --ctstate RELATED,ESTABLISHED {comment} -j DROP
            COMMIT

            """;
    }

    private string NftRules(bool open)
    {
        var none = $"table ip {subnet.Bridge}\ndelete table ip {subnet.Bridge}\n";
        return !open ? none : $$"""
            {{none}}
            table ip {{subnet.Bridge}} {
              chain out {
                type nat hook postrouting priority 100; policy accept;
                ip saddr {{subnet}} ip daddr != {{subnet}} masquerade
              }
              chain in {
                type filter hook forward priority 0; policy accept;
                ip daddr {{subnet}} iifname != "{{subnet.Bridge}}*" ct state != { established, related } drop
              }{{NftServices()}}
            }

            """;
    }

    private string NftServices() => Services is not var (range, door) ? "" : $$"""

              chain pods {
                type nat hook prerouting priority -100; policy accept;
                iifname "{{subnet.Bridge}}*" ip daddr {{range}} meta l4proto tcp dnat to {{door}}
              }
              chain machine {
                type nat hook output priority -100; policy accept;
                ip daddr {{range}} meta l4proto tcp dnat to {{door}}
              }
            """;

    /// <returns>Null when it worked; else what it said, which is empty when it is not installed.</returns>
    private string? Run(string tool, string rules)
    {
        if (_directories.Select(d => Path.Combine(d, tool)).FirstOrDefault(File.Exists) is not { } path)
        {
            return "";
        }
        string[] arguments = tool == "nft" ? ["-f", "-"] : ["--noflush", "-w", "2"];
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, arguments)
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            process.StandardInput.Write(rules);
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(s_patience))
            {
                process.Kill();
                return "it did not end";
            }
            return process.ExitCode == 0 ? null : $"it ended with {process.ExitCode}: {errors.Result.Trim().ReplaceLineEndings(" ")}";
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return e.Message;
        }
    }
}
