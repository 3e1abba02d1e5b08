using System.ComponentModel;
using System.Diagnostics;

namespace Serval.Node.Network;

/// <summary>
/// The pods' way out of the machine: forwarding, and their addresses hidden behind the machine's. Set up once by <c>iptables-restore</c>, as a
/// machine with Docker drops what its chains do not name, else by <c>nft</c>; without either pods reach each other and this machine alone.
/// Nobody outside may begin a connection to a pod.
/// </summary>
internal sealed class Uplink(Subnet subnet)
{
    private const string ForwardingFile = "/proc/sys/net/ipv4/ip_forward";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly string[] s_directories = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];

    private string _tool = "";

    /// <summary>How pods leave the machine, or why they cannot.</summary>
    public string Description { get; private set; } = "";

    public void Open()
    {
        if (!Forwards())
        {
            Description = $"they have no way out of this machine: {ForwardingFile} cannot be set to 1";
            return;
        }
        var failure = "neither iptables-restore nor nft is installed";
        foreach (var tool in (ReadOnlySpan<string>)["iptables-restore", "nft"])
        {
            if (Run(tool, open: true) is not { } failed)
            {
                (_tool, Description) = (tool, "they leave this machine under its address");
                return;
            }
            failure = failed.Length == 0 ? failure : $"{tool}: {failed}";
        }
        Description = $"they have no way out of this machine: {failure}";
    }

    /// <summary>Removes what <see cref="Open"/> set up.</summary>
    public void Close()
    {
        if (_tool.Length > 0)
        {
            Run(_tool, open: false);
        }
    }

    /// <summary>Removes what an earlier run set up, by whatever it was.</summary>
    public void CloseLeftover()
    {
        Run("iptables-restore", open: false);
        Run("nft", open: false);
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
              }
            }

            """;
    }

    /// <returns>Null when it worked; else what it said, which is empty when it is not installed.</returns>
    private string? Run(string tool, bool open)
    {
        if (s_directories.Select(d => Path.Combine(d, tool)).FirstOrDefault(File.Exists) is not { } path)
        {
            return "";
        }
        var (arguments, rules) = tool == "nft" ? ((string[])["-f", "-"], NftRules(open)) : (["--noflush", "-w", "2"], IptablesRules(open));
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
