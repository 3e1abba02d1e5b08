using Serval.Api.Core;

namespace Serval.Api.Tests.Core;

/// <summary>How addresses are written: as Go's net/netip does, whose tests and RFC 5952 have these.</summary>
public sealed class IpTextTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("0:0:0:0:0:0:102:304", "::102:304")] // not ::1.2.3.4
    [InlineData("fe80:0:0:0:0:5efe:a00:1", "fe80::5efe:a00:1")] // not ...:5efe:10.0.0.1 (ISATAP)
    [InlineData("fe80::200:5efe:10.0.0.1", "fe80::200:5efe:a00:1")]
    [InlineData("64:ff9b::1.2.3.4", "64:ff9b::102:304")]
    [InlineData("2001:DB8::00AB", "2001:db8::ab")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")] // one group is not shortened
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")] // the first of two runs
    [InlineData("2001:0:0:1:0:0:0:1", "2001:0:0:1::1")] // the longer one
    [InlineData("2001:db8:1:2:3:4:0:0", "2001:db8:1:2:3:4::")]
    [InlineData("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8")]
    [InlineData("::ffff:1.2.3.4", "::ffff:1.2.3.4")]
    public void Address_HasOneText(string text, string written) => Assert.Equal(written, IpText.Canonical(IpText.Parse(text)!));
}
