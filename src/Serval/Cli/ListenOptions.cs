using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Serval.Api.Networking;
using Serval.ApiServer;

namespace Serval.Cli;

/// <summary>Options of the verbs that run a server.</summary>
internal static class ListenOptions
{
    public static Option<IPAddress> Address() => new("--listen")
    {
        Description = "Address to listen on; 0.0.0.0 is reachable from other machines", HelpName = "ADDRESS", CustomParser = ParseAddress, DefaultValueFactory = _ => IPAddress.Loopback,
    };

    public static Option<IPAddress?> Advertise() => new("--advertise")
    {
        Description = "Address at which other roles and clients reach this machine (default: that of --listen)", HelpName = "ADDRESS", CustomParser = ParseAddress,
    };

    public static Option<IPNetwork?> ServiceCidr() => new("--service-cidr")
    {
        Description = "Range of the addresses of Services, chosen once for a data directory (default: a free /16 of 10.96.0.0 to 10.159.0.0)", HelpName = "CIDR", CustomParser = ParseRange,
    };

    public static Option<string> PodNetwork()
    {
        var option = new Option<string>("--pod-network")
        {
            Description = "auto gives each pod a network of its own where Serval may (root); off maps ports: a program listens on $PORT", HelpName = "MODE", DefaultValueFactory = _ => "auto",
        };
        return option.AcceptOnlyFromAmong("auto", "off");
    }

    public static Option<string> Audit()
    {
        var option = new Option<string>("--audit")
        {
            Description = "Requests of the API to be kept in audit.log: all, writes (with reads of Secrets and refusals) or off", HelpName = "LEVEL", DefaultValueFactory = _ => "writes",
        };
        return option.AcceptOnlyFromAmong("all", "writes", "off");
    }

    public static AuditLevel AuditLevel(ParseResult parse, Option<string> option) => Enum.Parse<AuditLevel>(parse.GetValue(option)!, ignoreCase: true);

    public static Option<int> Port(string name, string description, int value)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "PORT", DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out var port) || port is < 0 or > 65535))
            {
                result.AddError($"{name} {result.Tokens[0].Value} is not a port; give a number from 0 to 65535");
            }
        });
        return option;
    }

    private static IPNetwork? ParseRange(ArgumentResult result)
    {
        if (IPNetwork.TryParse(result.Tokens[0].Value, out var range) && ServiceRange.IsUsable(range))
        {
            return range;
        }
        result.AddError($"--service-cidr {result.Tokens[0].Value} is not a range of addresses for Services; give one of IPv4 between /12 and /28, such as 10.96.0.0/16");
        return null;
    }

    private static IPAddress? ParseAddress(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "localhost")
        {
            return IPAddress.Loopback;
        }
        if (IPAddress.TryParse(text, out var address))
        {
            return address;
        }
        result.AddError($"{(result.Parent as OptionResult)?.Option.Name} {text} is not an IP address; give one such as 127.0.0.1 or 0.0.0.0");
        return null;
    }
}
