namespace Serval.Node.Network;

/// <summary>Parameters of the kernel in the network namespace of the calling thread.</summary>
internal static class Sysctls
{
    // What containerd gives pods since 2.0 (enable_unprivileged_ports, enable_unprivileged_icmp): a program of another user than root may listen on port 80, and ping.
    private static readonly (string Name, string Value)[] s_defaults = [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647")];

    /// <summary>Sets what every pod finds, as far as this machine lets it.</summary>
    public static void SetDefaults()
    {
        foreach (var (name, value) in s_defaults)
        {
            try
            {
                Set(name, value);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // a kernel without it, or a /proc that may only be read
            }
        }
    }

    /// <summary>Sets one. Throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>.</summary>
    public static void Set(string name, string value)
    {
        using var file = new FileStream($"/proc/sys/{name.Replace('.', '/')}", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(System.Text.Encoding.UTF8.GetBytes(value));
    }
}
