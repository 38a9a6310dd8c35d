Attribute VB_Name = "Tables"
' What the user selected, and which changes of his matter to the collector. Reads the workbook, and writes nothing.
Option Explicit

Public Const DESTINATIONS As String = "Destinations"
Public Const JOBS As String = "Jobs"
Public Const SETTINGS As String = "Settings"
Public Const SELECTION_TABLE As String = "Selection"
Public Const OVERVIEW As String = "Overview"

Private Const ID_HEADER As String = "ID"
Private Const NAME_HEADER As String = "Name"

' Headers that the user types below, between bars; a test keeps them equal to the product's.
Private Const DESTINATION_HEADERS As String = "|Name|Host|Group|Tags|Enabled|RTT warning (ms)|RTT critical (ms)|Loss warning (%)|Loss critical (%)|Notes|"
Private Const JOB_HEADERS As String = "|Name|Destinations|Start|End|Interval|Weekly windows|Time zone|Packets|Packet interval (ms)|Payload (bytes)|Timeout (ms)|Metrics|Enabled|"
Private Const SETTING_HEADERS As String = "|Value|"
Private Const SELECTION_HEADERS As String = "|Details of|Period|"

' The identity of this workbook; empty where it has none.
Public Function WorkbookId() As String
    Dim text As String
    text = ThisWorkbook.Names("NetStats_id").RefersTo
    WorkbookId = LCase$(Replace(Replace(text, "=", ""), """", ""))
End Function

' The text of a named cell.
Public Function NamedText(ByVal cellName As String) As String
    NamedText = CStr(ThisWorkbook.Names(cellName).RefersToRange.Value2)
End Function

' A table of this workbook, wherever it stands; Nothing where it is missing.
Public Function TableNamed(ByVal tableName As String) As ListObject
    Dim sheet As Worksheet
    Dim table As ListObject
    For Each sheet In ThisWorkbook.Worksheets
        For Each table In sheet.ListObjects
            If table.Name = tableName Then
                Set TableNamed = table
                Exit Function
            End If
        Next
    Next
End Function

' What the only row of the table Selection says.
Public Function SelectionCell(ByVal header As String) As String
    Dim table As ListObject
    Set table = TableNamed(SELECTION_TABLE)
    If table Is Nothing Then Exit Function
    SelectionCell = CStr(table.ListColumns(header).DataBodyRange.Cells(1, 1).Value2)
End Function

' Name of the table that the user is in; empty where he is in none of this workbook's.
Public Function SelectedTable() As String
    If Not ActiveWorkbook Is ThisWorkbook Then Exit Function
    If TypeName(Selection) <> "Range" Then Exit Function
    If ActiveCell.ListObject Is Nothing Then Exit Function
    SelectedTable = ActiveCell.ListObject.Name
End Function

' The IDs of the selected rows, as a JSON list; `[]` where there are none. Rows that a filter hides do not count.
Public Function SelectedIds() As String
    Dim table As ListObject
    Dim picked As Range
    Dim cell As Range
    Dim found As String
    Dim id As String
    SelectedIds = "[]"
    If SelectedTable() = "" Then Exit Function
    Set table = ActiveCell.ListObject
    Set picked = PickedCells(table, IIf(HasColumn(table, ID_HEADER), ID_HEADER, NAME_HEADER))
    If picked Is Nothing Then Exit Function
    For Each cell In picked.Cells
        id = CStr(cell.Value2)
        If Not HasColumn(table, ID_HEADER) Then id = IdOfDestination(id)
        If id <> "" And Not cell.EntireRow.Hidden Then found = found & "," & JsonText(id)
    Next
    SelectedIds = "[" & Mid$(found, 2) & "]"
End Function

' The name in the row of the active cell; empty where it has none.
Public Function SelectedName() As String
    Dim picked As Range
    If SelectedTable() = "" Then Exit Function
    If Not HasColumn(ActiveCell.ListObject, NAME_HEADER) Then Exit Function
    Set picked = Application.Intersect(ActiveCell.EntireRow, Body(ActiveCell.ListObject, NAME_HEADER))
    If Not picked Is Nothing Then SelectedName = CStr(picked.Cells(1, 1).Value2)
End Function

' Whether a change touches what the user types: in the tables, right below them, or a whole row that is gone.
Public Function IsTyped(ByVal sheet As Object, ByVal target As Range) As Boolean
    Dim table As ListObject
    Dim column As ListColumn
    Dim headers As String
    For Each table In sheet.ListObjects
        headers = TypedHeaders(table.Name)
        If headers <> "" And target.Row + target.Rows.Count > table.Range.Row Then
            For Each column In table.ListColumns
                If InStr(headers, "|" & column.Name & "|") > 0 Then
                    If Not Application.Intersect(target, column.Range.EntireColumn) Is Nothing Then
                        IsTyped = True
                        Exit Function
                    End If
                End If
            Next
        End If
    Next
End Function

Private Function TypedHeaders(ByVal tableName As String) As String
    Select Case tableName
        Case DESTINATIONS
            TypedHeaders = DESTINATION_HEADERS
        Case JOBS
            TypedHeaders = JOB_HEADERS
        Case SETTINGS
            TypedHeaders = SETTING_HEADERS
        Case SELECTION_TABLE
            TypedHeaders = SELECTION_HEADERS
    End Select
End Function

Private Function PickedCells(ByVal table As ListObject, ByVal header As String) As Range
    If Not HasColumn(table, header) Then Exit Function
    If Body(table, header) Is Nothing Then Exit Function
    Set PickedCells = Application.Intersect(Selection.EntireRow, Body(table, header))
End Function

Private Function Body(ByVal table As ListObject, ByVal header As String) As Range
    Set Body = table.ListColumns(header).DataBodyRange
End Function

Private Function HasColumn(ByVal table As ListObject, ByVal header As String) As Boolean
    Dim column As ListColumn
    For Each column In table.ListColumns
        If column.Name = header Then HasColumn = True
    Next
End Function

Private Function IdOfDestination(ByVal destinationName As String) As String
    Dim table As ListObject
    Dim cell As Range
    Set table = TableNamed(DESTINATIONS)
    If table Is Nothing Then Exit Function
    For Each cell In Body(table, NAME_HEADER).Cells
        If StrComp(CStr(cell.Value2), destinationName, vbTextCompare) = 0 Then
            IdOfDestination = CStr(Application.Intersect(cell.EntireRow, Body(table, ID_HEADER)).Value2)
            Exit Function
        End If
    Next
End Function
