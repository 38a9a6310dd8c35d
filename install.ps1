<#
.SYNOPSIS
Installs netstats_xl for you alone, or takes it away again. Needs no admin rights.

.DESCRIPTION
Finds Python 3.11 to 3.13, makes a virtual environment in %LOCALAPPDATA%\netstats_xl\venv, installs netstats_xl
into it, and calls "netstats-xl install", which puts the workbook into your Documents and two entries into your
Start menu. It may be run again at any time: to repair, or to update from a newer folder. It changes no security
setting. With -WhatIf it only says what it would do.

Exit codes: 0 done; 2 wrong use; 3 no Python that fits; 4 the environment cannot be made or removed; 5 the package
cannot be installed; 6 "netstats-xl install" or "netstats-xl uninstall" reported a problem.

.PARAMETER Package
A wheel (netstats_xl-*.whl) or a folder to install from. Default: the folder that this script lies in.

.PARAMETER Workbook
Where the workbook goes. Default: NetStats.xlsm in your Documents.

.PARAMETER Uninstall
Takes away what was installed. Your workbook and your measurements stay.

.PARAMETER RemoveData
With -Uninstall: removes measurements and logs, too. Workbooks stay all the same.

.EXAMPLE
powershell -ExecutionPolicy Bypass -File install.ps1

.EXAMPLE
powershell -ExecutionPolicy Bypass -File install.ps1 -Uninstall -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string] $Package = '',
    [string] $Workbook = '',
    [switch] $Uninstall,
    [switch] $RemoveData
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

if (-not $env:LOCALAPPDATA) {
    Write-Host 'install.ps1: this script is for Windows: the variable LOCALAPPDATA is not set.'
    exit 2
}
$DataFolder = Join-Path -Path $env:LOCALAPPDATA -ChildPath 'netstats_xl'
$Venv = Join-Path -Path $DataFolder -ChildPath 'venv'
$VenvPython = Join-Path -Path $Venv -ChildPath 'Scripts\python.exe'
$VenvMark = Join-Path -Path $Venv -ChildPath 'pyvenv.cfg'

function Stop-Script {
    # Ends the script with a message and an exit code.
    param([int] $Code, [string] $Message)
    [Console]::Error.WriteLine('install.ps1: ' + $Message)
    exit $Code
}

function Invoke-Program {
    # Runs a program with the console as its own. Never capture what this writes: the program would see a pipe.
    param([string] $Path, [string[]] $Arguments)
    $ErrorActionPreference = 'Continue'
    Write-Verbose ("Run: $Path " + ($Arguments -join ' '))
    & $Path @Arguments
}

function Get-ProgramOutput {
    # What a program prints, as one text; $null where it cannot be run or fails.
    param([string] $Path, [string[]] $Arguments)
    # Windows PowerShell takes a line on the error stream for an error of its own: it must not end the script.
    $ErrorActionPreference = 'Continue'
    try {
        $lines = & $Path @Arguments 2>$null
    } catch {
        return $null
    }
    if ($LASTEXITCODE -ne 0) {
        return $null
    }
    return ($lines -join "`n").Trim()
}

function Get-PythonCandidate {
    # Every Python that this computer tells of: the launcher's first, then the registry's (PEP 514), then the PATH's.
    $launcher = Get-Command -Name 'py.exe' -CommandType Application -ErrorAction SilentlyContinue |
        Select-Object -First 1
    if ($launcher) {
        # Only what is listed is asked for: some launchers install a version that is asked for and missing.
        $list = Get-ProgramOutput -Path $launcher.Path -Arguments @('-0')
        foreach ($minor in 13, 12, 11) {
            if ($list -match "-(V:)?3\.$minor\b") {
                New-Object -TypeName PSObject -Property @{ Path = $launcher.Path; Arguments = @("-3.$minor") }
            }
        }
    }
    foreach ($root in 'HKCU:\Software\Python', 'HKLM:\Software\Python', 'HKLM:\Software\Wow6432Node\Python') {
        $keys = Get-Item -Path "$root\*\*\InstallPath" -ErrorAction SilentlyContinue
        foreach ($key in $keys) {
            $path = $key.GetValue('ExecutablePath')
            if (-not $path -and $key.GetValue('')) {
                $path = Join-Path -Path ($key.GetValue('')) -ChildPath 'python.exe'
            }
            if ($path) {
                New-Object -TypeName PSObject -Property @{ Path = $path; Arguments = @() }
            }
        }
    }
    $found = Get-Command -Name 'python.exe', 'python3.exe' -CommandType Application -All -ErrorAction SilentlyContinue
    foreach ($command in $found) {
        New-Object -TypeName PSObject -Property @{ Path = $command.Path; Arguments = @() }
    }
}

function Find-Python {
    # The first candidate that fits; those that do not are told. $null: none fits.
    $question = "import struct, sys; print(sys.version_info[0], sys.version_info[1], struct.calcsize('P') * 8, " +
        "int('windowsapps' in sys.base_prefix.lower()))"
    foreach ($candidate in Get-PythonCandidate) {
        $name = ($candidate.Path + ' ' + ($candidate.Arguments -join ' ')).Trim()
        if ($candidate.Path.StartsWith($Venv, [StringComparison]::OrdinalIgnoreCase)) {
            continue
        }
        $answer = Get-ProgramOutput -Path $candidate.Path -Arguments ($candidate.Arguments + @('-c', $question))
        if ($null -eq $answer) {
            Write-Verbose "$name does not run. It may be the Microsoft Store's placeholder, which is no Python."
        } elseif ($answer -notmatch '^3 (11|12|13) (32|64) ([01])$') {
            Write-Verbose "$name is not Python 3.11 to 3.13: $answer"
        } elseif ($Matches[2] -eq '32') {
            Write-Host "  $name is left out: it is a 32-bit Python, and the database needs a 64-bit one."
        } elseif ($Matches[3] -eq '1') {
            Write-Host "  $name is left out: it comes from the Microsoft Store, and Excel does not see its files."
        } else {
            Write-Host "  $name (Python 3.$($Matches[1]))"
            return $candidate
        }
    }
    return $null
}

function Wait-ForPrograms {
    # Waits until no program runs from the environment: its files could not be replaced. $false: some still do.
    param([int] $Seconds = 20)
    for ($left = $Seconds * 2; $left -ge 0; $left--) {
        $running = @(Get-Process | Where-Object { $_.Path -and $_.Path.StartsWith("$Venv\", 'OrdinalIgnoreCase') })
        if ($running.Count -eq 0) {
            return $true
        }
        Start-Sleep -Milliseconds 500
    }
    Write-Host ('  Still running: ' + (($running | ForEach-Object { "$($_.Name) (process $($_.Id))" }) -join ', '))
    return $false
}

function Show-HowToGetPython {
    Write-Host @'

No Python that fits was found. netstats_xl needs a 64-bit Python 3.11, 3.12 or 3.13, not the Microsoft Store's.
You can have one without admin rights:

  - from https://www.python.org/downloads/windows/ : take "Windows installer (64-bit)" of a 3.13 release, untick
    "Use admin privileges when installing py.exe" if it is ticked, and choose "Install Now"; or
  - where winget is allowed:  winget install --exact --id Python.Python.3.13 --scope user

Then run this script again. With -Verbose it says which Pythons it looked at.
'@
}

if ($RemoveData -and -not $Uninstall) {
    Stop-Script -Code 2 -Message '-RemoveData goes with -Uninstall only.'
}
$isOurs = Test-Path -LiteralPath $VenvMark
if (-not $isOurs -and (Test-Path -LiteralPath $Venv) -and @(Get-ChildItem -LiteralPath $Venv -Force).Count -gt 0) {
    Stop-Script -Code 4 -Message "$Venv holds something else than a virtual environment. Move it away, and run this again."
}

# ------------------------------------------------------------------------------------------------- taking it away
if ($Uninstall) {
    if (-not $isOurs) {
        Write-Host "netstats_xl is not installed: there is no $Venv."
        exit 0
    }
    Write-Host 'Step 1 of 2: take away what was installed'
    $arguments = @('-m', 'netstats_xl', 'uninstall')
    if ($RemoveData) {
        $arguments += '--remove-data'
    }
    if (-not $PSCmdlet.ShouldProcess('the Start menu and the settings', 'netstats-xl uninstall')) {
        $arguments += '--dry-run'
    }
    if ($null -eq (Get-ProgramOutput -Path $VenvPython -Arguments @('-c', 'import netstats_xl'))) {
        Stop-Script -Code 6 -Message "The environment in $Venv does not work. Run this script without -Uninstall to repair it first."
    }
    Invoke-Program -Path $VenvPython -Arguments $arguments
    if ($LASTEXITCODE -ne 0) {
        Stop-Script -Code 6 -Message 'Not everything could be taken away; see above. The environment stays, to try again with.'
    }
    Write-Host "Step 2 of 2: remove the environment in $Venv"
    if ($PSCmdlet.ShouldProcess($Venv, 'Remove the virtual environment')) {
        if (-not (Wait-ForPrograms)) {
            Stop-Script -Code 4 -Message "Programs still run from $Venv. End them, and run this again."
        }
        try {
            Remove-Item -LiteralPath $Venv -Recurse -Force
            if (@(Get-ChildItem -LiteralPath $DataFolder -Force).Count -eq 0) {
                Remove-Item -LiteralPath $DataFolder
            }
        } catch {
            Stop-Script -Code 4 -Message "The environment could not be removed: $_"
        }
        Write-Host 'netstats_xl is uninstalled.'
    }
    exit 0
}

# ------------------------------------------------------------------------------------------------------ installing
if (-not $Package) {
    $Package = $PSScriptRoot
}
if (-not (Test-Path -LiteralPath $Package)) {
    Stop-Script -Code 2 -Message "There is no $Package."
}
# A backslash before the closing quote would take the quote for part of the path.
$Package = (Resolve-Path -LiteralPath $Package).ProviderPath.TrimEnd('\')
$isFolder = Test-Path -LiteralPath $Package -PathType Container
if ($isFolder -and -not (Test-Path -LiteralPath (Join-Path -Path $Package -ChildPath 'pyproject.toml'))) {
    Stop-Script -Code 2 -Message "$Package holds no netstats_xl. Name a wheel or the project's folder with -Package."
}
if (-not $isFolder -and $Package -notlike '*.whl') {
    Stop-Script -Code 2 -Message "$Package is no wheel (.whl)."
}

Write-Host 'Step 1 of 4: look for Python'
$works = $isOurs -and $null -ne (Get-ProgramOutput -Path $VenvPython -Arguments @('-m', 'pip', '--version'))
if ($works) {
    Write-Host "  $VenvPython, from an earlier run"
} else {
    $python = Find-Python
    if ($null -eq $python) {
        Show-HowToGetPython
        exit 3
    }
}

Write-Host "Step 2 of 4: make the environment in $Venv"
if ($works) {
    Write-Host '  It is there already.'
    if ($PSCmdlet.ShouldProcess('collectors that run', 'Stop')) {
        # One of an earlier version may not know the option: then it is waited for all the same.
        Invoke-Program -Path $VenvPython -Arguments @('-m', 'netstats_xl', 'install', '--stop-collectors')
        if (-not (Wait-ForPrograms)) {
            Stop-Script -Code 4 -Message "Programs still run from $Venv. Stop the collector in Excel, and run this again."
        }
    }
} elseif ($PSCmdlet.ShouldProcess($Venv, 'Make a virtual environment')) {
    Invoke-Program -Path $python.Path -Arguments ($python.Arguments + @('-m', 'venv', '--clear', $Venv))
    if ($LASTEXITCODE -ne 0) {
        Stop-Script -Code 4 -Message "The environment could not be made in $Venv; see above."
    }
}

Write-Host "Step 3 of 4: install netstats_xl from $Package (some minutes the first time)"
if ($PSCmdlet.ShouldProcess($Venv, "pip install $Package")) {
    $pip = @('-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--upgrade', $Package)
    Invoke-Program -Path $VenvPython -Arguments $pip
    if ($LASTEXITCODE -ne 0) {
        Stop-Script -Code 5 -Message ('The package could not be installed; see above. Behind a proxy, set HTTPS_PROXY first. ' +
            'Without the internet, set PIP_FIND_LINKS to a folder of wheels and PIP_NO_INDEX to 1.')
    }
}

Write-Host 'Step 4 of 4: put the workbook, the settings and the Start menu entries in their places'
$arguments = @('-m', 'netstats_xl', 'install')
if ($Workbook) {
    $arguments += @('--workbook', $Workbook.TrimEnd('\'))
}
if (-not $PSCmdlet.ShouldProcess('Documents, the Start menu and the settings', 'netstats-xl install')) {
    if (-not $works) {
        Write-Host '  What exactly would be done is told once netstats_xl is installed.'
        exit 0
    }
    $arguments += '--dry-run'
}
Invoke-Program -Path $VenvPython -Arguments $arguments
if ($LASTEXITCODE -ne 0) {
    Stop-Script -Code 6 -Message 'Not everything could be put in its place; see above. Run this again when it is mended.'
}
exit 0
